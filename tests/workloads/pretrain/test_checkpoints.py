"""Checkpoints that are damaged, half-written, refused by the disk, or of something else."""

import os
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from components.spec.training import ModelSpec
from tests.workloads.pretrain.runs import EVERY, STEPS, AgentHost, Run
from workloads.model.export import read_manifest
from workloads.model.transformer import Transformer
from workloads.pretrain.export import export_checkpoint
from workloads.pretrain.folder import RunFolder

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
    run.change(data={"files": str(other)})
    assert host.run(run) == 78
    assert "training.data" in str(run.status["message"])


def test_an_exported_model_gives_the_logits_of_the_checkpoint(unbroken: Run) -> None:
    manifest = read_manifest(unbroken.export)
    spec = manifest.model
    assert manifest.step == STEPS
    assert (
        manifest.validation_loss == [line["validationLoss"] for line in unbroken.lines if "validationLoss" in line][-1]
    )
    exported = _load(spec, unbroken.export)
    again = export_checkpoint(RunFolder(unbroken.folder))
    assert again == unbroken.export, "one export of a step is enough"
    (unbroken.export / "manifest.json").rename(unbroken.folder / "manifest.json")
    again = export_checkpoint(RunFolder(unbroken.folder))
    assert read_manifest(again).digest == manifest.digest, "the last checkpoint holds what was exported at the end"
    tokens = torch.arange(64).reshape(2, 32)
    assert torch.equal(_load(spec, again)(tokens), exported(tokens))


def _load(spec: ModelSpec, folder: Path) -> Transformer:
    model = Transformer(spec)
    weights = load_file(folder / "model.safetensors")
    assert set(weights) == {name for name, _ in model.named_parameters()}
    model.load_state_dict(weights, strict=False)
    return model
