"""The trainer and the server on a real accelerator, over NCCL."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.workloads.pretrain.runs import REPOSITORY, make_run
from tests.workloads.serve.host import serve

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator on this machine"),
]


def train(folder: Path, **training: object) -> Path:
    """A finished run with one rank for each accelerator."""
    run = make_run(folder, Path(os.__file__).parent / "json", ranksPerNode=torch.cuda.device_count(), **training)
    job = json.loads(run.job.read_text())
    run.job.write_text(json.dumps(job | {"device": "cuda"}))
    command = [sys.executable, "-m", "workloads.pretrain", str(run.job)]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0, run.status
    return run.folder


@pytest.mark.parametrize("sharding", ["ddp", "fsdp"])
def test_a_model_learns_in_bf16(tmp_path: Path, sharding: str) -> None:
    folder = train(tmp_path, precision="bf16", parallel={"sharding": sharding})
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]
    assert lines[0]["worldSize"] == torch.cuda.device_count()


def test_the_cache_takes_what_the_heaviest_step_leaves(tmp_path: Path) -> None:
    folder = train(tmp_path, precision="bf16")
    with serve(tmp_path, folder, device="cuda") as server:
        found = re.search(r"the cache holds (\d+) tokens", server.log.read_text())
        answer = server.complete(prompt=["import "] * 32, max_tokens=8, temperature=0, ignore_eos=True)
    assert answer.status_code == 200
    # Of a model this small, with a context of 32, the memory holds more than 32 sequences can use.
    assert found
    assert int(found[1]) == 32 * (32 + 16)


def test_what_was_trained_is_served(tmp_path: Path) -> None:
    folder = train(tmp_path, precision="bf16")
    with serve(tmp_path, folder, device="cuda") as server:
        answer = server.complete(prompt="import ", max_tokens=16, temperature=0)
    assert answer.status_code == 200
    assert 1 <= answer.json()["usage"]["completion_tokens"] <= 16
