"""A process for each core, and none where there is only one thing to do."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from types import TracebackType
from typing import Self, TypeVar

from components.errors import PenstockError
from workloads.pretrain.exits import die_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

SMALL_ITEMS = 256
"""Items from which several go to a process at once: of a million small files, each is less work than its message."""


class Workers:
    """Processes that live until the block ends."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in the order of the items; PenstockError where a process was killed."""
        if self._cores == 1 or len(items) <= 1:
            yield from map(function, items)
            return
        chunk = max(1, min(64, len(items) // SMALL_ITEMS // self._cores))
        try:
            yield from self._processes().map(function, items, chunksize=chunk)
        except BrokenProcessPool:
            message = "a process that prepares the text was killed; start again, with more memory if that was short"
            raise PenstockError(message) from None

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._cores, get_context("spawn"), initializer=_begin)
        return self._pool


def _begin() -> None:
    """A process alone on its core, which is gone when the one that started it is."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    die_with_parent()
