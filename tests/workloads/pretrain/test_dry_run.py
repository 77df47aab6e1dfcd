"""Memory of a rank on fake tensors, and the plan's estimate beside it."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.distributed.fsdp import FSDPModule

from components.estimate.memory import estimate_memory
from components.spec.training import TrainingSpec
from tests.workloads.pretrain.runs import REPOSITORY, Run
from workloads.pretrain.train.dry_run import measure

MODEL = {
    "layers": 2, "width": 512, "heads": 8, "kvHeads": 2, "mlpWidth": 1792, "vocabulary": 4096, "context": 2048,
    "tieEmbeddings": False,
}  # fmt: skip
WORDS = MODEL | {"vocabulary": 32000, "context": 256}
TIED = MODEL | {"tieEmbeddings": True, "vocabulary": 32000}
LLAMA_8B = {
    "layers": 32, "width": 4096, "heads": 32, "kvHeads": 8, "mlpWidth": 14336, "vocabulary": 128256, "context": 8192,
    "tieEmbeddings": False,
}  # fmt: skip


def adapted(training: TrainingSpec, **lora: object) -> TrainingSpec:
    """The job with adapters in place of the weights of a model that is there."""
    told = training.model_dump(mode="json", by_alias=True)
    told["model"]["from"] = "/models/llama"
    return TrainingSpec.model_validate_json(json.dumps(told | {"lora": lora}))


def job(
    model: dict[str, Any], nodes: int, sharding: str, *, micro_batches: int = 1,
    recompute: str = "none", precision: str = "bf16",
) -> TrainingSpec:  # fmt: skip
    asked = {
        "model": model,
        "nodes": nodes,
        "minNodes": nodes,
        "ranksPerNode": 8,
        "parallel": {"sharding": sharding} | ({"shardRanks": 8} if sharding == "hsdp" else {}),
        "batch": {"sequences": 8 * nodes * micro_batches, "microSequences": 1},
        "activationCheckpointing": recompute,
        "precision": precision,
    }
    return TrainingSpec.model_validate_json(json.dumps(asked))


@pytest.mark.parametrize(
    "training",
    [
        pytest.param(job(MODEL, 4, "fsdp", micro_batches=2, recompute="full"), id="FSDP, full"),
        pytest.param(job(MODEL, 4, "hsdp", micro_batches=2, recompute="selective"), id="HSDP, selective"),
        pytest.param(job(WORDS, 4, "fsdp"), id="many words, short texts"),
        pytest.param(job(TIED, 1, "fsdp", precision="fp32"), id="tied, fp32"),
        pytest.param(job(MODEL, 1, "ddp", micro_batches=2), id="DDP"),
        pytest.param(adapted(job(MODEL, 4, "hsdp", micro_batches=2, recompute="selective")), id="adapters, HSDP"),
        pytest.param(adapted(job(MODEL, 4, "fsdp", micro_batches=2, recompute="full")), id="adapters, FSDP, full"),
        pytest.param(adapted(job(MODEL, 1, "ddp", micro_batches=2)), id="adapters, DDP"),
        pytest.param(adapted(job(WORDS, 4, "fsdp"), targets=["q_proj", "v_proj"]), id="adapters of two, many words"),
        pytest.param(job(MODEL | {"layers": 12}, 16, "fsdp", recompute="selective"), id="deep", marks=pytest.mark.slow),
        pytest.param(
            job(LLAMA_8B, 32, "fsdp", micro_batches=4, recompute="full"), id="8B on 256 ranks", marks=pytest.mark.slow
        ),
        pytest.param(
            job(LLAMA_8B, 32, "hsdp", micro_batches=4, recompute="selective"), id="8B, HSDP", marks=pytest.mark.slow
        ),
    ],
)
def test_the_estimate_of_a_plan_is_what_the_trainer_holds(training: TrainingSpec) -> None:
    found = measure(training)
    assert sum(found.parts.values()) == found.peak_bytes
    assert estimate_memory(training).tensor_bytes == pytest.approx(found.peak_bytes, rel=0.1)


def test_gradients_of_earlier_micro_batches_are_sharded() -> None:
    """Kept unsharded, in fp32, they were 4 bytes a parameter on each rank."""
    one, four = (measure(job(MODEL, 4, "fsdp", micro_batches=count)).peak_bytes for count in (1, 4))
    parameters = job(MODEL, 4, "fsdp").model.parameters
    assert 0 < four - one <= 4.1 * parameters / 32


def test_a_trainer_that_keeps_them_whole_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that the test before guards against is visible to it."""
    training = job(MODEL, 4, "fsdp", micro_batches=4)
    right: Callable[..., None] = FSDPModule.set_requires_all_reduce
    before = measure(training).peak_bytes

    def whole(module: FSDPModule, last: bool) -> None:
        right(module, last)
        module.set_requires_gradient_sync(last)

    monkeypatch.setattr(FSDPModule, "set_requires_all_reduce", whole)
    assert measure(training).peak_bytes - before > 3 * training.model.parameters


def test_the_command_says_it_as_json(run: Run) -> None:
    run.change(parallel={"sharding": "fsdp"})
    command = [sys.executable, "-m", "workloads.pretrain.train.dry_run", str(run.job)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["peak_bytes"] == sum(found["parts"].values()) > 0
    assert not torch.distributed.is_initialized()
