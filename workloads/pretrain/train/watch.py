"""Watching the ranks: one that is slow, and one that no longer moves."""

import faulthandler
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path

import torch
import torch.distributed as dist
from torch._C import _distributed_c10d  # as torch's own debug server does

from components.estimate.memory import checkpoint_bytes
from components.estimate.stop import UNKNOWN_WRITE_MBPS
from components.spec.training import TrainingSpec
from workloads.pretrain.exits import ExitCode

EVERY_STEPS = 20
"""Steps between two comparisons of the ranks: one small all-gather."""

HANG_MARK = "hung: "
"""Begin of the line with which the watch ends a process."""

JOIN_S = 300.0
"""Ranks whose agents have met find each other sooner; torchtitan's init timeout."""

FIRST_S = 1800.0
"""A first step or evaluation may compile."""

LEAST_STORAGE_S = 600.0
SLOW_STORAGE = 3.0
"""Times that a checkpoint may take longer than at the rate of a modest network file system."""

MARGIN_S = 30.0
"""A collective times out after the watch, whose report says more; and what is stuck in the interpreter after both."""


class RankPhase(Enum):
    """Part of a rank's life, in the words of what did not happen in time."""

    JOIN = "the ranks did not join"
    RESTORE = "model and checkpoint were not loaded"
    FIRST_STEP = "no first step finished"
    STEP = "no step finished"
    SAVE = "no checkpoint was written"
    EVALUATE = "no evaluation finished"
    EXPORT = "no export was written"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that each phase may take."""

    seconds: dict[RankPhase, float]

    @classmethod
    def of(cls, training: TrainingSpec) -> "Limits":
        """Limits of a run: its own for a step, by the bytes of a checkpoint for what waits for storage."""
        step_s = training.guard.hang_timeout_s
        # An export, and the folder that adapters begin with, are a model in bf16.
        moved = max(checkpoint_bytes(training), 2 * training.model.parameters)
        storage_s = max(LEAST_STORAGE_S, SLOW_STORAGE * moved / (UNKNOWN_WRITE_MBPS * 1e6), step_s)
        storage = dict.fromkeys((RankPhase.RESTORE, RankPhase.SAVE, RankPhase.EXPORT), storage_s)
        first = dict.fromkeys((RankPhase.FIRST_STEP, RankPhase.EVALUATE), max(FIRST_S, step_s))
        return cls({RankPhase.JOIN: JOIN_S, RankPhase.STEP: step_s, **storage, **first})


class HangWatch:
    """Ends this process when its phase takes too long, with its reason and the stacks of all threads in its log.

    A thread does it, and writes NCCL's flight recorder too. faulthandler's timer, which needs no interpreter, fires
    where the thread cannot. The exit makes the agent restart the workers.
    """

    def __init__(self, limits: Limits, traces: Path) -> None:
        """`traces`: folder for what the flight recorder has."""
        self._limits, self._traces = limits, traces
        self._groups: list[dist.ProcessGroup | None] = []
        self._phase, self._deadline, self._armed = RankPhase.JOIN, float("inf"), 0.0
        self._changed = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="hang-watch").start()

    def guard(self, groups: list[dist.ProcessGroup | None]) -> None:
        """From now on collectives of these groups time out behind each phase's limit; None is the default group."""
        self._groups = groups
        self.enter(self._phase)

    def enter(self, phase: RankPhase) -> None:
        """From now on, `phase`, for as long as that may take."""
        self._phase = phase
        limit_s = self._limits.seconds[phase]
        for group in self._groups:
            dist.set_timeout(timedelta(seconds=limit_s + MARGIN_S), group)
        self._arm(limit_s)
        self._changed.set()

    @contextmanager
    def inside(self, phase: RankPhase) -> Iterator[None]:
        """`phase` for what runs inside, then the one before anew."""
        before = self._phase
        self.enter(phase)
        yield
        self.enter(before)

    def progress(self) -> None:
        """A step has finished, and the next one begins."""
        if self._phase is not RankPhase.STEP:
            self.enter(RankPhase.STEP)
        elif time.monotonic() - self._armed >= 1.0:
            self._arm(self._limits.seconds[RankPhase.STEP])

    def pause(self) -> None:
        """Stops the watch: the next work may take any time."""
        self._deadline = float("inf")
        faulthandler.cancel_dump_traceback_later()

    def leave_groups(self) -> None:
        """The process groups are gone, or about to go."""
        self._groups = []

    def _arm(self, limit_s: float) -> None:
        self._armed = time.monotonic()
        self._deadline = self._armed + limit_s
        faulthandler.dump_traceback_later(limit_s + MARGIN_S / 3, exit=True, file=sys.stderr)

    def _watch(self) -> None:
        while True:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                self._end()
            self._changed.wait(min(left_s, threading.TIMEOUT_MAX))
            self._changed.clear()

    def _end(self) -> None:
        limit_s = self._limits.seconds[self._phase]
        sys.stderr.write(f"\n{HANG_MARK}{self._phase.value} within {limit_s:.0f} s\n")
        sys.stderr.flush()
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        if torch.cuda.is_available():
            # Of all ranks together torchfrtrace tells which one is missing, and in which collective.
            self._traces.mkdir(parents=True, exist_ok=True)
            (self._traces / f"rank-{os.environ.get('RANK', '0')}").write_bytes(_flight_recorder())
        os._exit(ExitCode.FAILED)


def _flight_recorder() -> bytes:
    """The last collectives of this rank, as torch's `torchfrtrace` reads them."""
    dump: Callable[[], bytes] = getattr(_distributed_c10d, "_dump_nccl_trace")  # noqa: B009  # nowhere public
    return dump()


def hang_of(log_file: Path) -> str:
    """The reason why a watch ended the process with that log; "" where none did."""
    text = log_file.read_text(errors="replace") if log_file.exists() else ""
    _, mark, rest = text.rpartition(HANG_MARK)
    if mark:
        return rest.split("\n", 1)[0]
    # faulthandler's own first words.
    return "it no longer moved" if "Timeout (" in text else ""


class Stragglers:
    """Compares the ranks' own time: that of their forward passes, in which a rank of DDP waits for nobody.

    The whole step would not do: every rank of a step takes as long as the slowest. A sharded model gathers weights in
    the forward pass, so there a slow rank shows less.
    """

    def __init__(self, ratio: float, device: torch.device) -> None:
        self._ratio = ratio
        self._device = device
        self._own_s, self._steps = 0.0, 0
        self._events: list[tuple[torch.Event, torch.Event]] = []

    @contextmanager
    def own_time(self) -> Iterator[None]:
        """Counts what runs inside as this rank's own."""
        if self._device.type == "cuda":
            begin, end = torch.Event(enable_timing=True), torch.Event(enable_timing=True)
            begin.record()
            yield
            end.record()
            self._events.append((begin, end))
        else:
            start = time.perf_counter()
            yield
            self._own_s += time.perf_counter() - start

    def compare(self) -> dict[int, float] | None:
        """Rank -> its time over the median, for those above the ratio; called after every step, mostly None."""
        self._steps += 1
        if self._steps < EVERY_STEPS:
            return None
        own_s = self._own_s + sum(begin.elapsed_time(end) / 1000 for begin, end in self._events)
        self._own_s, self._steps = 0.0, 0
        self._events.clear()
        times = torch.empty(dist.get_world_size(), device=self._device)
        dist.all_gather_into_tensor(times, torch.tensor([own_s], device=self._device))
        return _slower_than(times.tolist(), self._ratio)


def _slower_than(times: list[float], ratio: float) -> dict[int, float]:
    """Index -> share of the median, for the times above `ratio` medians.

    The lower median, so that of two ranks the slower can stand out.
    """
    median = statistics.median_low(times)
    return {rank: value / median for rank, value in enumerate(times) if value > ratio * median > 0}
