"""What a benchmark says: a figure with its unit and its goal, measured against a peer or a floor in the same run."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table


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


def alternate(*measured: Callable[[], float], rounds: int = 5) -> list[float]:
    """The median of each function's figure, taken in turn, so that a drift of the machine meets all of them."""
    taken: list[list[float]] = [[] for _ in measured]
    for _ in range(rounds):
        for values, measure in zip(taken, measured, strict=True):
            values.append(measure())
    return [median(values) for values in taken]


def show(title: str, figures: Sequence[Figure]) -> None:
    """The figures as a table on the terminal."""
    table = Table("what", "value", "goal", "met", "note", title=title, title_justify="left")
    for figure in figures:
        table.add_row(figure.what, f"{figure.value:,.3g} {figure.unit}", figure.goal, figure.met, figure.note)
    Console().print(table)


def save(figures: Sequence[Figure], path: Path) -> None:
    """The figures as JSON."""
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
