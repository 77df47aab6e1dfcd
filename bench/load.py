"""Load of the machine beside a measurement: was it quiet enough for a time to say something?"""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BUSY_PER_CORE = 0.5
"""Load average of the last minute, before the measurement begins."""
BUSY_SHARE = 0.1
"""Share of all cores that others used while it went on."""
BUSY_PRESSURE = 20.0
"""Percent of the last ten seconds in which something waited for a core, before it begins (Linux tells it)."""


@dataclass(slots=True, kw_only=True)
class OfferedLoad:
    """`others` is known once the measurement has ended."""

    per_core: float
    pressure: float
    others: float = 0.0

    @property
    def busy(self) -> str:
        """The reason not to trust figures of this time; empty on a quiet machine."""
        reasons = (
            (self.per_core > BUSY_PER_CORE, f"load {self.per_core:.1f} per core before"),
            (self.pressure > BUSY_PRESSURE, f"{self.pressure:.0f} % pressure before"),
            (self.others > BUSY_SHARE, f"others used {self.others:.0%} of the cores"),
        )
        return ", ".join(text for holds, text in reasons if holds)


@contextmanager
def watched() -> Iterator[OfferedLoad]:
    """The load before the block, and what others used of the cores while it ran."""
    load = OfferedLoad(per_core=os.getloadavg()[0] / _cores(), pressure=_pressure())
    begin, used, own = time.perf_counter(), _used_s(), own_s()
    yield load
    wall = time.perf_counter() - begin
    load.others = max(0.0, (_used_s() - used) - (own_s() - own)) / (wall * _cores())


def own_s() -> float:
    """Processor time of this process and of its children that have ended, in seconds."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _cores() -> int:
    return os.cpu_count() or 1


def _pressure() -> float:
    """0 where the system does not tell it."""
    try:
        some = Path("/proc/pressure/cpu").read_text().split("\n")[0]
    except OSError:
        return 0.0
    return float(some.partition("avg10=")[2].partition(" ")[0])


def _used_s() -> float:
    """Processor time of the whole machine since its start; 0 where the system does not tell it."""
    try:
        user, nice, system, _, _, irq, soft, steal = map(
            int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        )
    except OSError:
        return 0.0
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
