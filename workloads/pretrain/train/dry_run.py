"""Memory of one rank without a device: the trainer's own model, loss, backward pass and optimizer on fake tensors.

Rank 0 of as many ranks as the job has runs in a process group of torch's that moves nothing, and torch's own tracker
counts the bytes of each tensor. What a driver, NCCL and the allocator's gaps take is not among them.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.distributed._tools.mem_tracker import MemTracker
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule
from torch.testing._internal.distributed.fake_pg import FakeStore

from components.spec.training import Precision, TrainingSpec
from workloads.pretrain.config import read_job
from workloads.pretrain.data.loader import rank_share
from workloads.pretrain.train.optimizer import build_optimizer
from workloads.pretrain.train.parallelize import ParallelModel, build, mesh_of, parallelize


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorMemory:
    """Bytes of tensors on one rank at the peak of a step."""

    peak_bytes: int
    parts: dict[str, int]
    """Bytes by what they are, in torch's words."""


def measure(training: TrainingSpec) -> TensorMemory:
    """The peak of a rank of a job with nothing left open. Needs a process that has no process group."""
    training = training.model_copy(update={"compile_blocks": False})
    with _fake_ranks(training.nodes * (training.ranks_per_node or 1)):
        mesh = mesh_of(training, torch.device("cpu"))
        with FakeTensorMode():
            return _measure(training, mesh)


def _measure(training: TrainingSpec, mesh: DeviceMesh | None) -> TensorMemory:
    model = _copied(training) if mesh is None else parallelize(training, torch.device("cpu"), mesh)
    optimizer = build_optimizer(model.module, training.optimizer)
    # Moments are made in the first step; from the second on every step is like any other. Clipping and the optimizer's
    # step work in place in fused kernels, whose fake forms make copies, so the tracker does not see them.
    _gradients(training, model, micro_batches=1)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    tracker = FSDPMemTracker(model.module, optimizer) if isinstance(model.module, FSDPModule) else MemTracker()
    # torch's tracker would hang a hook on each parameter, which one that is not trained refuses.
    frozen = [one for one in model.module.parameters() if not one.requires_grad]
    tracker._param_to_grad_hook_handles.update({one: (_NoHook(), _NoHook()) for one in frozen})  # noqa: SLF001
    tracker.track_external(model.module, optimizer)
    with tracker:
        _gradients(training, model, micro_batches=min(2, _micro_batches(training)), between=tracker.reset_mod_stats)
    peak = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]
    parts = {getattr(kind, "value", str(kind)): size for kind, size in peak.items() if size}
    return TensorMemory(peak_bytes=parts.pop("Total"), parts=parts)


class _NoHook:
    def remove(self) -> None:
        """Nothing was hung up."""


def _copied(training: TrainingSpec) -> ParallelModel:
    """The model as DDP has it, whose reducer does not take fake tensors; its buckets are the gradients themselves."""
    transformer = build(training)
    low = torch.bfloat16 if training.precision is Precision.BF16 else None
    return ParallelModel(module=transformer, transformer=transformer, autocast=low)


def _gradients(
    training: TrainingSpec, model: ParallelModel, micro_batches: int, between: Callable[[], object] = lambda: None
) -> None:
    """Forward and backward passes as the trainer's."""
    shape = (training.batch.micro_sequences, training.model.context)
    for index in range(micro_batches):
        tokens = torch.zeros(shape, dtype=torch.int64)
        last = index == micro_batches - 1
        with model.gradient_sync(last) if isinstance(model.module, FSDPModule) else contextlib.nullcontext():
            torch.autograd.backward(model.loss(tokens, tokens))
        between()


def _micro_batches(training: TrainingSpec) -> int:
    ranks = training.nodes * (training.ranks_per_node or 1)
    return len(rank_share(0, training.batch.sequences, 0, ranks, training.batch.micro_sequences))


@contextlib.contextmanager
def _fake_ranks(count: int) -> Iterator[None]:
    dist.init_process_group("fake", rank=0, world_size=count, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def main(arguments: Sequence[str]) -> None:
    """`python -m workloads.pretrain.train.dry_run JOB_FILE`: one line of JSON."""
    found = measure(read_job(Path(arguments[0])).training)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
