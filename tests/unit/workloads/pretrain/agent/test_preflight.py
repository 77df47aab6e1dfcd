"""Checks before a run starts."""

import os
from pathlib import Path

from components.spec.training import TrainingSpec
from workloads.pretrain.agent.preflight import _disk
from workloads.pretrain.config import Device, JobFile

MODEL = {"layers": 2, "width": 64, "heads": 2, "kvHeads": 2, "vocabulary": 512, "context": 64}


def test_pods_that_try_one_volume_at_once_leave_each_others_trial_alone(tmp_path: Path) -> None:
    """The first process of every pod has the same number: a trial that is named by it belongs to all of them."""
    training = TrainingSpec.model_validate({"steps": 3, "model": MODEL}, strict=False)
    others = [tmp_path / f".probe-{os.getpid()}", tmp_path / "logs" / f".probe-{os.getpid()}"]
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_text("of another pod")
    assert _disk(JobFile(training=training, run_folder=str(tmp_path), device=Device.CPU)) == []
    assert all(other.exists() for other in others)
    assert sorted(path.name for path in tmp_path.iterdir()) == [others[0].name, "checkpoints", "logs"]
