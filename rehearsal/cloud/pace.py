"""Pace of a provider's waiting: in real time, or in that of a simulation."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from rehearsal.cloud.clock import Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """`working` surrounds what a provider does for one request of the engine."""

    now_s: Callable[[], float]
    pause: Callable[[float], None]
    working: Callable[[], AbstractContextManager[None]]


def real_pace() -> Pace:
    return Pace(time.monotonic, time.sleep, _nothing)


def simulated_pace(clock: Clock) -> Pace:
    """Pauses end as soon as nothing else is at work."""
    return Pace(lambda: clock.now_min * 60, lambda seconds: clock.wait(seconds / 60), clock.working)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
