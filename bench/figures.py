"""A figure of a benchmark, with its unit and its goal, measured against a peer or a floor in the same run."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Self

from rich.console import Console
from rich.table import Table

from bench.load import own_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of a benchmark's table."""

    what: str
    value: float
    unit: str = "x"
    """`x` is a ratio to the peer or floor that `what` names."""
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def goal(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else ""

    @property
    def met(self) -> str:
        if self.at_least is None and self.at_most is None:
            return ""
        low = self.at_least is None or self.value >= self.at_least
        high = self.at_most is None or self.value <= self.at_most
        return "yes" if low and high else "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time of a run by the clock, and by the processors: the second is what other work on the machine touches less."""

    wall_s: float
    processor_s: float

    def against(self, peer: Self, what: str, *, at_most: float | None = None) -> Figure:
        """The ratio to a peer, by the clock."""
        note = f"{self} against {peer}; {self.processor_s / peer.processor_s:.2f}x by processor time"
        return Figure(what=what, value=self.wall_s / peer.wall_s, at_most=at_most, note=note)

    def __str__(self) -> str:
        return f"{self.wall_s:.2f} s ({self.processor_s:.2f} s of processor time)"


def alternate_runs(*runs: Callable[[], object], rounds: int = 5) -> list[Timing]:
    """The medians of each run, taken in turn; processor time is this process's and its children's."""
    taken: list[list[Timing]] = [[] for _ in runs]
    for _ in range(rounds):
        for timings, run in zip(taken, runs, strict=True):
            wall, processor = time.perf_counter(), own_s()
            run()
            timings.append(Timing(wall_s=time.perf_counter() - wall, processor_s=own_s() - processor))
    return [
        Timing(
            wall_s=median(timing.wall_s for timing in timings),
            processor_s=median(timing.processor_s for timing in timings),
        )
        for timings in taken
    ]


def alternate(*measured: Callable[[], float], rounds: int = 5) -> list[float]:
    """The median of each function's figure, taken in turn, so that a drift of the machine meets all of them."""
    taken: list[list[float]] = [[] for _ in measured]
    for _ in range(rounds):
        for values, measure in zip(taken, measured, strict=True):
            values.append(measure())
    return [median(values) for values in taken]


def show(title: str, figures: Sequence[Figure], busy: str = "") -> None:
    """The figures as a table on the terminal. Those of a busy machine meet and miss no goal."""
    heading = f"{title}: taken on a busy machine ({busy})" if busy else title
    table = Table("what", "value", "goal", "met", "note", title=heading, title_justify="left")
    for figure in figures:
        met = "busy" if busy and figure.met else figure.met
        table.add_row(figure.what, f"{figure.value:,.3g} {figure.unit}", figure.goal, met, figure.note)
    Console().print(table)


def save(figures: Sequence[Figure], path: Path) -> None:
    """The figures as JSON."""
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
