"""Checkpoints: written behind the training by torch.distributed.checkpoint, and trusted only after verification.

A checkpoint becomes visible by one rename, after every rank has written its part and the checksums of it. So what is
under a `step-*` name is whole; what a kill leaves behind is a `.partial-*` folder, removed at the next start.
The layout on the ranks is not part of it: any world size and any sharding loads it.
"""

import logging
import shutil
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import AsyncSaveResponse, async_save

from components.errors import Problem, SpecError
from workloads.model.lora import is_adapter
from workloads.pretrain.folder import replace_json, step_name, sync_folder
from workloads.pretrain.record.progress import PROGRESS_FILE, Progress, read_progress
from workloads.pretrain.train.checksums import FOLDER_SUMS, merge_sums, own_files, problems_of_share, write_rank_sums

log = logging.getLogger(__name__)

FLAT = StateDictOptions(flatten_optimizer_state_dict=True)
"""Optimizer state under the parameters' names: what lets another sharding load it."""
ADAPTERS = StateDictOptions(flatten_optimizer_state_dict=True, strict=False)
"""The same where the state has adapters alone, and the model more."""

PARTIAL, CORRUPT = ".partial-", ".corrupt-"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a save."""

    step: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class _Save:
    step: int
    staging: Future[None]
    commit: Future[None]


class Checkpointer:
    """The checkpoints of one run, seen from one rank. Every method but the properties is called on all ranks alike."""

    def __init__(
        self, folder: Path, keep: int, model: nn.Module, optimizer: torch.optim.Optimizer, timeout_s: float
    ) -> None:
        """`timeout_s`: after which ranks no longer wait for each other's part of a checkpoint."""
        self._folder, self._keep = folder, keep
        self._model, self._optimizer = model, optimizer
        self._adapters = any(is_adapter(name) for name, _ in model.named_parameters())
        self._options = ADAPTERS if self._adapters else FLAT
        self._rank, self._world_size = dist.get_rank(), dist.get_world_size()
        # The writer's collectives run in a thread beside the training's, so they need a group of their own.
        group = dist.new_group(backend="gloo", timeout=timedelta(seconds=timeout_s))
        assert isinstance(group, dist.ProcessGroup)
        self._group = group
        self._stager = DefaultStager(_staging_options())
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._save: _Save | None = None
        self.committed: int | None = None
        """Step of the newest checkpoint that is safe."""
        self.stall_s = 0.0
        """Seconds that steps have waited for checkpoints; not the wait for the last one, behind the training."""
        if self._rank == 0:
            for partial in folder.glob(f"{PARTIAL}*"):
                shutil.rmtree(partial)

    @property
    def latest(self) -> int | None:
        """Step of the newest checkpoint that is safe or under way."""
        return self._save.step if self._save else self.committed

    def save(self, progress: Progress) -> Ended | None:
        """Begin to write the state after `progress.step`; how the save before ended, if it was still under way."""
        begin = time.perf_counter()
        before = self.finish()
        partial = self._partial(progress.step)
        response = async_save(
            self._state(),
            storage_writer=FileSystemWriter(partial, sync_files=True),
            process_group=self._group,
            async_stager=self._stager,
        )
        assert isinstance(response, AsyncSaveResponse)
        commit = self._committer.submit(self._commit, response.upload_completion, partial, deepcopy(progress))
        self._save = _Save(progress.step, response.staging_completion, commit)
        self.stall_s += time.perf_counter() - begin
        return before

    def wait_for_staging(self) -> None:
        """Return when the state may change again: before `optimizer.step`, not before the backward pass."""
        if self._save is not None and not self._save.staging.done():
            begin = time.perf_counter()
            self._save.staging.result()
            self.stall_s += time.perf_counter() - begin

    @property
    def is_saving(self) -> bool:
        """True if a save is under way on this rank."""
        return self._save is not None and not self._save.commit.done()

    def wait(self, seconds: float) -> bool:
        """True if no save is under way any more, after so many seconds at most."""
        if self._save is not None:
            futures.wait([self._save.commit], seconds)
        return not self.is_saving

    def poll(self) -> Ended | None:
        """Result of a save that has ended meanwhile."""
        return self.finish() if self._save is not None and self._save.commit.done() else None

    def finish(self) -> Ended | None:
        """Result of the save under way, after waiting for it; None when there is none."""
        if self._save is None:
            return None
        save, self._save = self._save, None
        error = save.commit.exception()
        if error is None:
            self.committed = save.step
            return Ended(save.step, None)
        log.error("checkpoint of step %d", save.step, exc_info=error)
        if self._rank == 0:
            shutil.rmtree(self._partial(save.step), ignore_errors=True)
        return Ended(save.step, f"the checkpoint of step {save.step} could not be written ({_reason(error)})")

    def restore(self, asked: Progress, report: Callable[[str], None]) -> Progress | None:
        """Load the newest checkpoint that is whole; None when there is none. `asked` says what is trained on what.

        One that is not is set aside under `.corrupt-*` and reported. SpecError when the newest is of another model
        or other data.
        """
        while (folder := self._newest()) is not None:
            if (problem := self._verify(folder)) is None:
                progress = read_progress(folder)
                _require_same(progress, asked, folder)
                problem = self._load(folder)
            if problem is None:
                self.committed = progress.step
                return progress
            report(f"checkpoint {folder.name} is damaged ({problem}); falling back to the one before")
            if self._rank == 0:
                folder.rename(folder.with_name(f"{CORRUPT}{folder.name}-{time.time_ns()}"))
            dist.barrier()
        return None

    def _partial(self, step: int) -> Path:
        return self._folder / f"{PARTIAL}{step_name(step)}"

    def _state(self) -> dict[str, Any]:
        model, optimizer = get_state_dict(self._model, self._optimizer, options=self._options)
        if self._adapters:
            model = {name: weight for name, weight in model.items() if is_adapter(name)}
        return {"model": model, "optimizer": optimizer, f"rng-{self._rank}": _random_state()}

    def _commit(self, upload: Future[None], partial: Path, progress: Progress) -> None:
        upload.result()
        write_rank_sums(partial, self._rank, own_files(partial, self._rank))
        if self._rank > 0:
            return
        replace_json(partial / PROGRESS_FILE, asdict(progress))
        merge_sums(partial, self._world_size, extra=(PROGRESS_FILE, ".metadata"))
        final = self._folder / step_name(progress.step)
        # A rewound or repeated run comes to a step again: the newer state replaces the older.
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        sync_folder(self._folder)
        for old in checkpoints_of(self._folder)[self._keep :]:
            shutil.rmtree(old)

    def _newest(self) -> Path | None:
        names: list[str | None] = [None]
        if self._rank == 0:
            names = [next((folder.name for folder in checkpoints_of(self._folder)), None)]
        dist.broadcast_object_list(names, src=0, group=self._group)
        return self._folder / names[0] if names[0] else None

    def _verify(self, folder: Path) -> str | None:
        """Problem of the files: each rank reads its share, all get the same answer."""
        found = problems_of_share(folder, self._rank, self._world_size)
        answers: list[list[str] | None] = [None] * self._world_size
        dist.all_gather_object(answers, found, group=self._group)
        return next((problem for answer in answers for problem in answer or []), None)

    def _load(self, folder: Path) -> str | None:
        state = self._state()
        reader = FileSystemReader(folder)
        if f"rng-{self._rank}" not in reader.read_metadata().state_dict_metadata:
            # Written by fewer ranks: this one keeps the random state it was seeded with.
            del state[f"rng-{self._rank}"]
        try:
            load(state, storage_reader=reader, process_group=self._group)
        except CheckpointException as error:
            return _reason(error)
        set_state_dict(
            self._model,
            self._optimizer,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizer"],
            options=self._options,
        )
        _set_random_state(state.get(f"rng-{self._rank}"))
        return None


def checkpoints_of(folder: Path) -> list[Path]:
    """The finished checkpoints of a folder, newest first."""
    return sorted((path.parent for path in folder.glob(f"step-*/{FOLDER_SUMS}")), reverse=True)


def _require_same(progress: Progress, asked: Progress, folder: Path) -> None:
    """Refuse, with SpecError, to go on from a checkpoint of another model or of other data."""
    remedy = "undo the change, or use another run folder"
    problems = [
        Problem(
            path=f"training.model.{key}",
            message=f"{asked.model.get(key)}, but checkpoint {folder.name} was trained with {value}; {remedy}",
        )
        # Fields that were left out are in neither of the two.
        for key, value in (dict.fromkeys(asked.model) | progress.model).items()
        if asked.model.get(key) != value
    ]
    if progress.lora != asked.lora:
        message = f"{asked.lora}, but checkpoint {folder.name} was trained with {progress.lora}; {remedy}"
        problems.append(Problem(path="training.lora", message=message))
    if progress.data_digest != asked.data_digest:
        trained_on = progress.data_digest
        message = f"the data is {asked.data_digest}, but checkpoint {folder.name} was trained on {trained_on}; {remedy}"
        problems.append(Problem(path="training.data", message=message))
    if problems:
        raise SpecError(problems)


def _staging_options() -> StagingOptions:
    cuda = torch.cuda.is_available()
    return StagingOptions(
        use_pinned_memory=cuda, use_shared_memory=False, use_async_staging=True, use_non_blocking_copy=cuda
    )


def _random_state() -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else state


def _set_random_state(state: object) -> None:
    if isinstance(state, dict):
        torch.set_rng_state(state["cpu"])
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"])


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words; torch wraps each rank's exception in one of its own."""
    failures = getattr(error, "failures", None)
    if failures:
        error = next(iter(failures.values()))[0]
    return str(error).strip().split("\n")[0] or type(error).__name__
