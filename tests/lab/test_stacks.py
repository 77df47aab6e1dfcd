"""Whole stacks on the lab: the stack `lab` through the real engine, and what another cloud's stack has inside."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import down
from lab.run import run
from rehearsal.cycle import Rehearsal, rehearse
from stacks.config import read_file
from stacks.plan import plan_stack
from tests.clock import NOW


@pytest.mark.timeout(900)
def test_the_stack_trains_and_serves_for_real_and_leaves_an_empty_cluster(project: Path) -> None:
    report = rehearse(Rehearsal.CYCLE, "lab", project=project)

    assert [(phase.name, phase.problem) for phase in report.phases] == [
        ("up", ""),
        ("up again", ""),
        ("refresh", ""),
        ("destroy", ""),
    ]
    assert report.ok
    seen = "\n".join(report.phases[0].seen)
    assert "2 nodes x 2 ranks trained to step 60" in seen
    assert "checkpoint step-00000060 on the volume" in seen
    assert "answered 16 tokens" in seen
    assert report.account is not None
    assert report.account.left == ()
    assert not (project / ".penstock" / "rehearsal" / "lab").exists()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lab"
    down(tmp_path / "lab")
    shutil.rmtree(tmp_path / "lab", ignore_errors=True)


@pytest.mark.timeout(600)
def test_the_gang_of_another_cloud_is_admitted_as_a_whole_by_the_real_controllers(home: Path) -> None:
    lines = run(plan_stack(read_file("aws-prod"), "aws-prod", NOW), home, lambda _: None)

    assert "2 queues: research, product" in lines
    assert any("32 pods run on 32 nodes" in line for line in lines), lines
