"""A run by hand tells how far it is and how it ended."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from components.spec.training import TrainingSpec
from workloads.pretrain.agent import announce
from workloads.pretrain.agent.announce import Announcer
from workloads.pretrain.config import Device, JobFile
from workloads.pretrain.exits import ExitCode


@pytest.fixture
def announcer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Announcer:
    monkeypatch.setattr(announce, "LOOK_EVERY_S", 0.01)
    training = TrainingSpec.model_validate({"steps": 300}, strict=False)
    return Announcer(JobFile(training=training, run_folder=str(tmp_path), device=Device.CPU))


def status(folder: Path, **content: Any) -> None:
    partial = folder / ".status"
    partial.write_text(json.dumps({"updated": time.time() + 1, **content}))
    partial.replace(folder / "status.json")
    time.sleep(0.1)


def test_progress_now_and_then_and_a_warning_at_once(
    tmp_path: Path, announcer: Announcer, capsys: pytest.CaptureFixture[str]
) -> None:
    with announcer:
        for step in (99, 100, 101):
            status(tmp_path, state="training", step=step, steps=300, loss=5.08, etaS=120.0)
        status(tmp_path, state="training", step=102, steps=300, warning="no room for a checkpoint")
        status(tmp_path, state="finished", message="trained 300 steps")
    assert capsys.readouterr().out.splitlines() == [
        f"trains 300 steps in {tmp_path}; Ctrl-C stops it with a checkpoint",
        "33% 2m 5.08 loss, step 99/300",
        "warning: no room for a checkpoint",
    ]


def test_the_status_of_an_earlier_run_is_not_told(
    tmp_path: Path, announcer: Announcer, capsys: pytest.CaptureFixture[str]
) -> None:
    with announcer:
        status(tmp_path, updated=time.time() - 60, state="training", step=7, steps=300)
    assert "step 7" not in capsys.readouterr().out


def test_an_end_before_the_last_step_says_why_on_stderr(
    tmp_path: Path, announcer: Announcer, capsys: pytest.CaptureFixture[str]
) -> None:
    status(tmp_path, state="preempted", message="stopped at step 50, with a checkpoint; start it again to go on")
    announcer.tell_end(ExitCode.PREEMPTED)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "stopped at step 50, with a checkpoint; start it again to go on\n"
