"""The trainer and the server on a real accelerator, over NCCL."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from components.spec.training import (
    ActivationCheckpointing,
    BatchSpec,
    ModelSpec,
    ParallelSpec,
    Precision,
    Sharding,
    TrainingSpec,
)
from tests.workloads.pretrain.runs import REPOSITORY, make_run
from tests.workloads.serve.host import serve
from workloads.pretrain.agent.node_check import problems_of
from workloads.pretrain.train.dry_run import measure
from workloads.pretrain.train.optimizer import build_optimizer
from workloads.pretrain.train.parallelize import mesh_of, parallelize, start

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


@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
def test_compiled_blocks_learn_with_every_recomputation(tmp_path: Path, recompute: str) -> None:
    changes = {"compileBlocks": True, "activationCheckpointing": recompute, "parallel": {"sharding": "fsdp"}}
    folder = train(tmp_path, precision="bf16", **changes)
    losses = [line["loss"] for line in map(json.loads, (folder / "metrics.jsonl").open()) if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    folder = train(tmp_path, precision="bf16", parallel={"sharding": "fsdp"}, steps=60)
    job = json.loads((folder / "job.json").read_text())
    job["training"]["steps"] = 90
    (folder / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-m", "workloads.pretrain", str(folder / "job.json")]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0
    steps = [line["step"] for line in map(json.loads, (folder / "metrics.jsonl").open()) if "loss" in line]
    assert steps == list(range(1, 91))


def test_a_node_passes_its_check() -> None:
    assert list(problems_of("cuda", torch.cuda.device_count())) == []


@pytest.mark.parametrize("recompute", list(ActivationCheckpointing))
def test_a_step_takes_the_memory_that_was_found_without_a_device(recompute: ActivationCheckpointing) -> None:
    """Within a fifth: the CPU's norms, which the tracker has, keep a copy in fp32."""
    model = ModelSpec(
        layers=12, width=2048, heads=16, kv_heads=4, vocabulary=64_000, context=4096, tie_embeddings=False
    )
    training = TrainingSpec(
        model=model, ranks_per_node=1, parallel=ParallelSpec(sharding=Sharding.FSDP), precision=Precision.BF16,
        batch=BatchSpec(sequences=2, micro_sequences=1), activation_checkpointing=recompute,
    )  # fmt: skip
    expected = measure(training).peak_bytes
    device = torch.device("cuda", 0)
    torch.distributed.init_process_group("nccl", init_method="tcp://127.0.0.1:0", rank=0, world_size=1)
    try:
        built = parallelize(training, device, mesh_of(training, device))
        start(built, training)
        optimizer = build_optimizer(built.module, training.optimizer)
        tokens = torch.zeros(1, model.context, dtype=torch.int64, device=device)
        for _step in range(2):
            torch.cuda.reset_peak_memory_stats()
            for last in (False, True):
                with built.gradient_sync(last):
                    torch.autograd.backward(built.loss(tokens, tokens))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        assert torch.cuda.max_memory_allocated() == pytest.approx(expected, rel=0.2)
    finally:
        torch.distributed.destroy_process_group()
