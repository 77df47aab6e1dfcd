"""A user's mistake: exit code 78, one message with the path and the remedy, no traceback, nothing half-made."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workloads.pretrain.runs import REPOSITORY, Run, make_run


def refusal(run: Run) -> str:
    """Message of the agent; it never gets as far as importing torch."""
    command = [sys.executable, "-X", "importtime", "-m", "workloads.pretrain", str(run.job)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 78, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert not [line for line in done.stderr.splitlines() if line.endswith(" torch")]
    message = "\n".join(said)
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"stepz": 3}, "training.stepz"),
        ({"steps": 0}, "training.steps"),
        ({"ranksPerNode": None}, "training.ranksPerNode: is left out"),
        ({"ranksPerNode": 9}, "training.batch.sequences: 8 is less than the 9 ranks"),
        ({"parallel": {"sharding": "hsdp", "shardRanks": 3}}, "training.parallel.shardRanks: 3 does not divide"),
        ({"data": {"text": {"files": "/nowhere/text"}}}, "training.data.text.files: '/nowhere/text'"),
        ({"nodes": 2}, "training.nodes: 2 nodes have to meet somewhere"),
        ({"model": {"width": 65536, "layers": 512}}, "training.ranksPerNode: 2 ranks need about"),
    ],
)
def test_a_wrong_job(tmp_path: Path, texts: Path, training: dict[str, object], words: str) -> None:
    run = make_run(tmp_path, texts)
    run.change(**training)
    assert words in refusal(run)
    assert not (tmp_path / "data").exists()


def test_several_nodes_without_prepared_text(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path, texts, nodes=2)
    command = [sys.executable, "-m", "workloads.pretrain", str(run.job), "--rendezvous", "127.0.0.1:1"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "training.data: is not prepared; have one node run `python -m workloads.prepare JOB_FILE`" in done.stderr


def test_a_job_that_does_not_parse(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path, texts)
    run.job.write_text("{")
    assert str(run.job) in refusal(run)


def test_a_checkpoint_folder_that_cannot_be_written(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path, texts)
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    message = refusal(run)
    assert f"{tmp_path}/checkpoints cannot be written" in message
    assert "use another run folder" in message
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "refused"


def test_a_disk_too_small_for_two_checkpoints(tmp_path: Path, texts: Path) -> None:
    run = make_run(tmp_path, texts)
    free_gib = shutil.disk_usage(tmp_path).free / 2**30
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    # Parameters whose two checkpoints of 12 bytes each exceed the disk; memory may be short as well.
    run.change(model={"width": 4096, "heads": 8, "layers": max(1, int(free_gib * 2**30 / 24 / 150e6) + 1)})
    message = refusal(run)
    assert "two checkpoints need" in message or memory_gib == 0
