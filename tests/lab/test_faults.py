"""Kills under jobs on a real control plane, and the jobs' losses; bench/ does the same at length."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.campaigns.lab_gangs import campaign, is_clean
from rehearsal.campaigns.lab_job import CHECKPOINT_EVERY, HURT_AT, STEPS, TrainingLab, training_lab


@pytest.fixture(scope="module")
def lab(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingLab]:
    with training_lab(repository / "stacks" / "Pulumi.lab.yaml", tmp_path_factory.mktemp("faults") / "lab") as lab:
        yield lab


@pytest.mark.timeout(900)
def test_a_hurt_job_ends_with_the_losses_of_one_left_alone(lab: TrainingLab) -> None:
    """A pod takes its gang with it, back to the last checkpoint; controllers and API server take nothing."""
    quiet = lab.train("nothing")
    assert quiet.completed
    assert len(quiet.losses) == quiet.written == STEPS
    hurt = lab.train("hurt", ((CHECKPOINT_EVERY + 20, "pod"), (HURT_AT, "control")))
    assert (hurt.completed, hurt.attempts) == (True, 2), "the first start, and one after the pod"
    assert hurt.losses == quiet.losses
    assert hurt.checkpoints[-1] == quiet.checkpoints[-1]


@pytest.mark.timeout(900)
def test_no_gang_starts_half_while_nodes_pods_and_controllers_go(tmp_path: Path) -> None:
    table = campaign(tmp_path / "lab", gangs=8, nodes=32, faults=5, seed=3)
    assert is_clean(table), table
    assert sum(table["faults"].values()) >= 3, table
    assert table["pods bound"] >= table["pods"]
