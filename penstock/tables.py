"""Lines for a terminal: tables whose columns make way, and text that folds between words only."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE = 1_000_000
"""Width of what is no terminal: nothing is folded."""

GAP = "  "
LEAST_PROSE = 24
"""Characters that a column of text keeps; below that other columns make way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, all in one style of rich's."""

    text: str
    style: str = ""


def width_of(console: "Console") -> int:
    """Columns of the terminal; of a pipe or a file as many as a line needs."""
    return console.width if console.is_terminal else PIPE


def show(lines: Iterator[Line], console: "Console") -> None:
    """Print lines as they are: one that is longer than the terminal is not cut and not folded."""
    from rich.text import Text

    for line in lines:
        console.print(Text(line.text, line.style), soft_wrap=True)


def folded(text: str, width: int, indent: str = "", *, first: str | None = None) -> Iterator[str]:
    """The text in lines of that width, folded between words; a word that is too long stays whole."""
    wrapper = textwrap.TextWrapper(
        width=width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from wrapper.wrap(text)


def entry(label: str, text: str, width: int, *, at: int = 11) -> Iterator[Line]:
    """A label and its text, which begins at the same column for all."""
    for line in folded(text, width, " " * at, first=f"{label:<{at - 1}} "):
        yield Line(line)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers, which fit the width they are asked for.

    Columns named in `drop` make way in that order where it would be too wide. No cell is folded but those of the last
    column where that is `prose`. Columns in `right` stand at the right.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()
    drop: Sequence[str] = ()
    prose: bool = False
    indent: str = ""

    def lines(self, width: int) -> Iterator[Line]:
        """The headers, dim, then the rows."""
        shown = self._fitting(width)
        names = [self.headers[index] for index in shown]
        cells = [[row[index] for index in shown] for row in self.rows]
        spans = self._spans(shown)
        for number, row in enumerate((names, *cells)):
            aligned = [
                cell.rjust(span) if name in self.right else cell.ljust(span)
                for cell, name, span in zip(row, names, spans, strict=True)
            ]
            for text in self._row(aligned, row[-1], width):
                yield Line(text, "dim" if number == 0 else "")

    def _spans(self, shown: Sequence[int]) -> list[int]:
        return [max(len(row[index]) for row in (self.headers, *self.rows)) for index in shown]

    def _fitting(self, width: int) -> list[int]:
        shown = list(range(len(self.headers)))
        for name in self.drop:
            spans = self._spans(shown)
            if self.prose:
                spans[-1] = min(LEAST_PROSE, spans[-1])
            if len(self.indent) + sum(spans) + len(GAP) * (len(spans) - 1) <= width:
                break
            shown = [index for index in shown if self.headers[index] != name]
        return shown

    def _row(self, aligned: Sequence[str], last: str, width: int) -> Iterator[str]:
        if not self.prose:
            yield (self.indent + GAP.join(aligned)).rstrip()
            return
        start = self.indent + "".join(f"{cell}{GAP}" for cell in aligned[:-1])
        yield from folded(last, max(width, len(start) + LEAST_PROSE), " " * len(start), first=start)
