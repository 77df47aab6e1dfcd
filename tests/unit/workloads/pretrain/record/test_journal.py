"""Figures that rank 0 derives from what it is told."""

import logging
from pathlib import Path

import pytest

from components.spec.training import BatchSpec, CheckpointSpec, ModelSpec, TrainingSpec
from workloads.prepare.manifest import DataManifest, Shard, Source, write_manifest
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.journal import Journal, StepReport
from workloads.pretrain.record.peak import Peak
from workloads.pretrain.record.status import RunState
from workloads.pretrain.record.trackers import Trackers

TRAINING = TrainingSpec(
    steps=100, batch=BatchSpec(sequences=8), model=ModelSpec(context=256), checkpoint=CheckpointSpec(every_steps=500)
)


def journal(path: Path, accelerators: int = 0, size_bytes: int = 4000, trackers: Trackers | None = None) -> Journal:
    folder = RunFolder(path)
    folder.data.mkdir()
    shards = (Shard(path="a", tokens=900, dtype="uint16"),), (Shard(path="b", tokens=100, dtype="uint16"),)
    source = Source(weight=1.0, counts="c", train=shards[0], validation=shards[1])
    manifest = DataManifest(
        digest="d", tokenizer="t", end_of_text=0, unigram_loss=6.0, documents=9, bytes=size_bytes, sources=(source,)
    )
    write_manifest(folder.data, manifest)
    kept = Journal(folder, TRAINING, 1, 0, 8, accelerators=accelerators, trackers=trackers)
    kept.training(0, Peak(1e12, "a test"))
    kept.step(StepReport(step=1, loss=1.0, gradient_norm=1.0, learning_rate=1e-3, seconds=10.0))
    return kept


def metric(path: Path, name: str) -> float:
    lines = (path / "metrics.prom").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def test_a_loss_is_told_in_bits_per_byte(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.evaluated(1, 2.772589)  # 4 bits a token, and four bytes to a token
    kept.close(RunState.FINISHED, 1, "")
    assert metric(tmp_path, "penstock_validation_bits_per_byte") == pytest.approx(1.0, abs=1e-4)
    assert '"validationBitsPerByte": 1.0' in (tmp_path / "metrics.jsonl").read_text()


def test_of_ready_tokens_nobody_knows_the_bytes(tmp_path: Path) -> None:
    kept = journal(tmp_path, size_bytes=0)
    kept.evaluated(1, 2.772589)
    assert "validationBitsPerByte" not in (tmp_path / "metrics.jsonl").read_text()


def test_the_best_interval_follows_the_measured_stall(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Stalls of 2 s, and 256 accelerators: sqrt(2 * 2 s * 198 h) - 2 s, in steps of 10 s."""
    kept = journal(tmp_path, accelerators=256)
    with caplog.at_level(logging.INFO):
        for number in (1, 2, 3):
            kept.checkpointed(number, stall_s=2.0 * number)
    kept.close(RunState.FINISHED, 3, "")
    assert metric(tmp_path, "penstock_checkpoint_best_interval_seconds") == 1690
    (told,) = [text for text in caplog.messages if "loses the least" in text]
    assert told == (
        "a checkpoint stalls steps for 2.00 s, and 256 accelerators fail every 198 h or so: one each 169 steps loses "
        "the least (checkpoint.everySteps is 500)"
    )


def test_of_processors_no_rate_of_failures_is_known(tmp_path: Path) -> None:
    kept = journal(tmp_path)
    kept.checkpointed(1, stall_s=2.0)
    kept.close(RunState.FINISHED, 1, "")
    assert metric(tmp_path, "penstock_checkpoint_best_interval_seconds") == 0


def test_a_rank_that_is_no_longer_slow_is_no_longer_told(tmp_path: Path) -> None:
    """Else an alert on it would stay for the rest of the run."""
    folder = RunFolder(tmp_path)
    kept = Journal(folder, TrainingSpec(), attempt=1, rank=0, world_size=4)
    told = []
    for slow in ({1: 2.0, 3: 1.8}, {3: 1.7}, {}):
        kept.stragglers(slow)
        kept._prometheus.write(now=True)
        lines = folder.prometheus.read_text().splitlines()
        told.append([line for line in lines if line.startswith("penstock_straggler_ratio{")])
    assert told == [
        ['penstock_straggler_ratio{rank="1"} 2.0', 'penstock_straggler_ratio{rank="3"} 1.8'],
        ['penstock_straggler_ratio{rank="3"} 1.7'],
        [],
    ]
