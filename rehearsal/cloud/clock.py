"""Simulated time. It stands still while anything works, and jumps to the next deadline when everything waits."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# How long nothing new may have arrived before time jumps: a program that has just got an answer sends its next request
# within a few milliseconds.
QUIET_S = 0.015


class Clock:
    """Minutes since the account was opened. Work is announced with `working`; inside it, `wait_until` waits."""

    def __init__(self, *, now_min: float = 0.0, quiet_s: float = QUIET_S) -> None:
        self._now_min = now_min
        self._quiet_s = quiet_s
        self._changed = threading.Condition()
        self._at_work = 0
        self._deadlines: list[float] = []
        self._last_arrival = time.monotonic()

    @property
    def now_min(self) -> float:
        return self._now_min

    @contextmanager
    def working(self) -> Iterator[None]:
        """Time does not jump while the block runs, but where it waits."""
        with self._changed:
            self._at_work += 1
            self._last_arrival = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._last_arrival = time.monotonic()
                self._changed.notify_all()

    def wait(self, minutes: float) -> None:
        """Returns when so many simulated minutes have gone by."""
        if minutes > 0:
            self.wait_until(self._now_min + minutes)

    def wait_until(self, deadline_min: float) -> None:
        """Returns when it is that time. The first of all deadlines comes first."""
        with self._changed:
            self._deadlines.append(deadline_min)
            self._last_arrival = time.monotonic()
            try:
                while self._now_min < deadline_min:
                    self._jump_or_wait()
            finally:
                self._deadlines.remove(deadline_min)
                self._changed.notify_all()

    def idle(self, timeout_s: float = 60.0) -> bool:
        """Returns when nothing is at work any more, or False after `timeout_s` of real time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._at_work == 0, timeout_s)

    def _jump_or_wait(self) -> None:
        quiet_for_s = time.monotonic() - self._last_arrival
        if self._at_work > len(self._deadlines):
            self._changed.wait()
        elif quiet_for_s < self._quiet_s:
            self._changed.wait(self._quiet_s - quiet_for_s)
        else:
            self._now_min = max(self._now_min, min(self._deadlines))
            self._last_arrival = time.monotonic()
            self._changed.notify_all()
