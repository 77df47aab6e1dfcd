"""Watching the ranks: one that is slow, and one that no longer moves."""

import faulthandler
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

EVERY_STEPS = 20
"""Steps between two comparisons of the ranks: one small all-gather."""

HANG_MARK = "Timeout ("
"""First words of faulthandler's dump of a hung process."""


class HangWatch:
    """Ends this process, with the stacks of all threads in its log, when no step finishes in time.

    faulthandler's timer is a thread of its own outside the interpreter, so it fires also while Python is stuck in a
    collective; its exit makes the agent restart the workers.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._armed = 0.0

    def progress(self) -> None:
        """A step has finished."""
        now = time.monotonic()
        if now - self._armed >= 1.0:
            self.allow(self._timeout_s)
            self._armed = now

    def allow(self, seconds: float) -> None:
        """From now, this long, until the next step has finished."""
        self._armed = 0.0
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.stderr)

    def pause(self) -> None:
        """Stops the watch: the next work may take any time."""
        self._armed = 0.0
        faulthandler.cancel_dump_traceback_later()


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

    def compare(self) -> dict[int, float]:
        """Rank -> its time over the median, for those above the ratio; called after every step, mostly empty."""
        self._steps += 1
        if self._steps < EVERY_STEPS:
            return {}
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
