"""Checkpoints that are damaged, half-written, refused by the disk, or of something else."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint.state_dict_loader import load

from tests.workloads.pretrain.runs import EVERY, STEPS, AgentHost, Run
from workloads.model.export import read_manifest
from workloads.model.hugging_face import read_spec, tensor_shapes
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.train.export import export_checkpoint
from workloads.serve.load import find_export, load_model

FAULTS = "tests.workloads.pretrain.faults"
HALF = STEPS // 2 // EVERY * EVERY


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, Path.unlink])
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(
    host: AgentHost, run: Run, unbroken: Run, damage: object
) -> None:
    run.change(steps=HALF)
    assert host.run(run) == 0, run.status
    newest = run.checkpoints[-1]
    assert callable(damage)
    damage(next(newest.glob("__1_*.distcp")))
    run.change(steps=HALF + EVERY)
    assert host.run(run) == 0, run.status
    assert f"step {HALF - EVERY} of" in run.log(rank=0, attempt=2)
    assert f"{newest.name} is damaged" in run.log(rank=0, attempt=2)
    assert list(run.folder.glob("checkpoints/.corrupt-*"))


def test_a_kill_while_a_checkpoint_is_written_leaves_no_half_one(host: AgentHost, run: Run, unbroken: Run) -> None:
    host.start(run, f"{FAULTS}:slow_commit")
    run.wait_until(lambda run: bool(list(run.folder.glob(f"checkpoints/.partial-*{2 * EVERY}"))))
    os.kill(run.workers[0], signal.SIGKILL)
    assert host.wait() == 0, run.status
    assert run.digest == unbroken.digest
    assert not list(run.folder.glob("checkpoints/.partial-*"))
    assert all((folder / "checksums.json").is_file() for folder in run.checkpoints)
    assert len(run.checkpoints) == 3


def test_a_disk_that_fills_up_during_the_run_does_not_end_it(host: AgentHost, run: Run, unbroken: Run) -> None:
    assert host.run(run, f"{FAULTS}:full_disk") == 0, run.status
    assert run.digest == unbroken.digest
    assert "No space left on device" in run.log(rank=0)
    assert f"its newest checkpoint is of step {EVERY}" in run.log(rank=0)
    assert [folder.name for folder in run.checkpoints] == [f"step-{EVERY:08d}"]
    assert not list(run.folder.glob("checkpoints/.partial-*"))


def test_more_steps_continue_the_run(host: AgentHost, run: Run) -> None:
    run.change(steps=HALF)
    assert host.run(run) == 0, run.status
    first = run.losses
    run.change(steps=STEPS)
    assert host.run(run) == 0, run.status
    assert {step: run.losses[step] for step in first} == first, "no step was done again"
    assert run.status["step"] == STEPS
    assert host.run(run) == 0, "a finished run, started again, has nothing to do"
    assert run.status["state"] == "finished"


def test_another_model_than_the_checkpoints_is_refused(host: AgentHost, run: Run) -> None:
    run.change(steps=EVERY)
    assert host.run(run) == 0, run.status
    run.change(model={"width": 64})
    assert host.run(run) == 78
    message = str(run.status["message"])
    assert "training.model.width: 64, but checkpoint step-00000010 was trained with 32" in message
    assert "another run folder" in message


def test_other_data_than_the_checkpoints_is_refused(host: AgentHost, run: Run, tmp_path: Path) -> None:
    run.change(steps=EVERY)
    assert host.run(run) == 0, run.status
    other = tmp_path / "other.txt"
    other.write_text("another text, long enough for a batch of eight sequences. " * 200)
    run.change(data={"text": {"files": str(other)}})
    assert host.run(run) == 78
    assert "training.data" in str(run.status["message"])


def test_an_export_holds_the_last_checkpoints_weights_in_bf16(unbroken: Run) -> None:
    manifest = read_manifest(unbroken.export)
    assert manifest.step == STEPS
    assert (
        manifest.validation_loss == [line["validationLoss"] for line in unbroken.lines if "validationLoss" in line][-1]
    )
    weights = {name: torch.empty(shape) for name, shape in tensor_shapes(read_spec(unbroken.export)).items()}
    load({"model": weights}, checkpoint_id=unbroken.checkpoints[-1], no_dist=True)
    loaded = load_model(find_export(unbroken.folder), torch.device("cpu")).state_dict()
    for name, weight in weights.items():
        assert torch.equal(loaded[name], weight.bfloat16().float()), name


def test_an_export_by_hand_of_the_last_step_is_the_runs_own(unbroken: Run) -> None:
    again = export_checkpoint(RunFolder(unbroken.folder))
    assert again == unbroken.export, "one export of a step is enough"
    digest = unbroken.digest
    kept = unbroken.export.rename(unbroken.folder / "kept")
    try:
        assert read_manifest(export_checkpoint(RunFolder(unbroken.folder))).digest == digest
    finally:
        shutil.rmtree(unbroken.folder / "export" / again.name)
        kept.rename(again)


@pytest.mark.parametrize(
    ("ranks", "parallel"), [(3, {"sharding": "fsdp"}), (4, {"sharding": "hsdp", "shardRanks": 2})], ids=["FSDP", "HSDP"]
)
def test_sharded_ranks_write_the_same_export(
    host: AgentHost, run: Run, unbroken: Run, ranks: int, parallel: dict[str, object]
) -> None:
    """From the last checkpoint of two DDP ranks, with nothing left to train: each rank writes other rows."""
    shutil.copytree(unbroken.folder / "checkpoints", run.folder / "checkpoints")
    run.change(ranksPerNode=ranks, parallel=parallel)
    assert host.run(run) == 0, run.status
    assert run.digest == unbroken.digest
    assert not list(run.folder.glob("export/.partial-*"))


def test_a_kill_while_an_export_is_written_leaves_no_half_one(host: AgentHost, run: Run, unbroken: Run) -> None:
    shutil.copytree(unbroken.folder / "checkpoints", run.folder / "checkpoints")
    host.start(run, f"{FAULTS}:slow_export")
    run.wait_until(lambda run: bool(list(run.folder.glob("export/.partial-*/written-0.json"))))
    os.kill(run.workers[1], signal.SIGKILL)
    assert not list(run.folder.glob("export/step-*"))
    assert host.wait() == 0, run.status
    assert run.status["attempt"] == 2
    assert run.digest == unbroken.digest
    assert [folder.name for folder in (run.folder / "export").iterdir()] == [unbroken.export.name]
