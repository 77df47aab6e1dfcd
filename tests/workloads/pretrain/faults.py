"""Workers with something wrong: each wraps a part of the trainer that has a public name, then runs it as it is.

What is to go wrong is written in `fault.json` beside the job file, because workers inherit the environment of a
server that started before the test.
"""

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.planner import SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from workloads.model.transformer import Transformer
from workloads.pretrain.train import checkpoint, export, trainer, worker


def bad_loss(job_file: str, attempt: str) -> None:
    """Multiplies the loss of a range of batches, counted over all ranks' steps, on rank 1 alone."""
    fault = _fault(job_file)
    right, batches = trainer.Trainer._gradients, 0
    first, last, factor = fault["first"], fault["last"], float(fault["factor"])

    def gradients(self: trainer.Trainer, micro_batches: object) -> Tensor:
        nonlocal batches
        batches += 1
        loss: Tensor = right(self, micro_batches)  # type: ignore[arg-type]  # passed on as it came
        return loss * factor if first <= batches <= last and self.rank == 1 else loss

    trainer.Trainer._gradients = gradients  # type: ignore[method-assign]  # the fault
    worker.main(job_file, attempt)


def lost_rank(job_file: str, attempt: str) -> None:
    """Rank 1 is killed before its first step, every time."""
    if os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    worker.main(job_file, attempt)


def lost_before_its_log(job_file: str, attempt: str) -> None:
    """Every rank is killed before it opens its log, every time."""
    del job_file, attempt
    os.kill(os.getpid(), signal.SIGKILL)


def slow_rank(job_file: str, attempt: str) -> None:
    """Rank 1 sleeps in every forward pass."""
    _around_forward(lambda: time.sleep(0.02) if os.environ["RANK"] == "1" else None)
    worker.main(job_file, attempt)


def full_disk(job_file: str, attempt: str) -> None:
    """From the second checkpoint on, the disk takes nothing any more."""
    right, saves = FileSystemWriter.write_data, 0

    def write_data(self: FileSystemWriter, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        nonlocal saves
        saves += 1
        if saves > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return right(self, plan, planner)

    FileSystemWriter.write_data = write_data  # type: ignore[method-assign,assignment]  # the fault
    worker.main(job_file, attempt)


def slow_commit(job_file: str, attempt: str) -> None:
    """Checkpoints take a second to become visible, so that a test can kill in the middle of one."""
    right = checkpoint.Checkpointer._commit

    def commit(self: checkpoint.Checkpointer, upload: Any, partial: Path, progress: Any) -> None:
        upload.result()
        time.sleep(1.0)
        right(self, upload, partial, progress)

    checkpoint.Checkpointer._commit = commit  # type: ignore[method-assign]  # the fault
    worker.main(job_file, attempt)


def slower_commit(job_file: str, attempt: str) -> None:
    """The first checkpoint takes 12 s to become visible."""
    right = checkpoint.Checkpointer._commit

    def commit(self: checkpoint.Checkpointer, upload: Any, partial: Path, progress: Any) -> None:
        upload.result()
        time.sleep(12.0 if progress.step == 10 else 0.0)
        right(self, upload, partial, progress)

    checkpoint.Checkpointer._commit = commit  # type: ignore[method-assign]  # the fault
    worker.main(job_file, attempt)


def slow_export(job_file: str, attempt: str) -> None:
    """At the first attempt, rank 1 takes long to write its part of the export."""
    right = export.ExportWriter.write

    def write(self: export.ExportWriter, parts: Any, validation_loss: float | None) -> Path:
        if os.environ["RANK"] == "1" and attempt == "1":
            time.sleep(60)
        return right(self, parts, validation_loss)

    export.ExportWriter.write = write  # type: ignore[method-assign]  # the fault
    worker.main(job_file, attempt)


def slow_steps(job_file: str, attempt: str) -> None:
    """Steps take long enough to be interrupted at a chosen one."""
    _around_forward(lambda: time.sleep(0.02))
    worker.main(job_file, attempt)


def _around_forward(before: Callable[[], None]) -> None:
    right = Transformer.forward

    def forward(
        self: Transformer, tokens: Tensor, targets: Tensor | None = None, documents: Tensor | None = None
    ) -> Tensor:
        before()
        return right(self, tokens, targets, documents)

    Transformer.forward = forward  # type: ignore[method-assign]  # the fault


def _fault(job_file: str) -> dict[str, int]:
    fault: dict[str, int] = json.loads(Path(job_file).with_name("fault.json").read_text())
    return fault
