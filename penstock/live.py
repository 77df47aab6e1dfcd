"""The progress of the engine: a line that moves in a terminal, a line now and then elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from engine.events import Diagnostic, Event, EventPhase, ResourceStep
from engine.process import PRINTED, Watch

QUIET_LINE_EVERY_S = 15.0
"""Without a terminal: how often a moving line is printed as a line of its own."""

INDENT = 4

DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}


def indented(console: Console, text: str) -> None:
    """Prints what is said under a heading; a terminal's lines break between words, those of a pipe do not."""
    shown = Text.from_markup(text)
    if console.is_terminal:
        console.print(Padding(shown, (0, 0, 0, INDENT)), soft_wrap=False)
    else:
        console.print(Text(" " * INDENT) + shown, soft_wrap=True)


class Live:
    """The display of the engine's commands, one after another.

    Warnings are shown once each; `verbose` shows every resource that was changed, and all that programs print.
    """

    def __init__(self, console: Console, title: str, *, verbose: bool = False) -> None:
        self._console, self._title, self._verbose = console, title, verbose
        self._total, self._done = 0, 0
        self._warned: set[str] = set()
        self._begin = self._printed = time.monotonic()
        text = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
        columns = (SpinnerColumn(), text, TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, expand=True, transient=True)
        self._task = self._progress.add_task(escape(title))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    @property
    def watch(self) -> Watch:
        return Watch(on_event=self.take)

    def begin(self, title: str, total: int) -> None:
        """Another command begins; `total` is how many resources it will go through, 0 where nobody knows."""
        self._title, self._total, self._done = title, total, 0
        self._begin = self._printed = time.monotonic()
        self._progress.reset(self._task, description=escape(title))

    def say(self, text: str) -> None:
        """A line that stays."""
        indented(self._console, text)

    def take(self, event: Event) -> None:
        match event:
            case Diagnostic(ephemeral=True, message=message):
                self.move(message)
            case Diagnostic(severity="warning", message=message) if message not in self._warned:
                self._warned.add(message)
                first, _, rest = message.partition("\n")
                shown = message if self._verbose or not rest else f"{first} (-v shows the rest)"
                self.say(f"[yellow]warning[/] {escape(shown)}")
            case Diagnostic(severity="error" | "info" | "info#err" as severity, message=message) if self._verbose:
                self.say(f"[dim]{escape(message)}[/]" if severity == PRINTED else escape(message))
            case ResourceStep(phase=EventPhase.FINISHED):
                self._count(event)
            case _:
                pass

    def move(self, message: str) -> None:
        """A line that the next one takes the place of."""
        if self._console.is_terminal:
            self._progress.update(self._task, description=escape(f"{self._title}: {message}"))
        elif time.monotonic() - self._printed >= QUIET_LINE_EVERY_S:
            self._printed = time.monotonic()
            self.say(escape(f"{self._title}: {message}, {self._printed - self._begin:.0f} s"))

    def _count(self, step: ResourceStep) -> None:
        self._done += 1
        if self._verbose and step.op in DONE:
            self.say(f"[dim]{DONE[step.op]} {step.type} {escape(step.name)}[/]")
        known = self._done <= self._total
        self.move(f"{self._done}{f'/{self._total}' if known else ''} {step.type.rpartition(':')[2]} {step.name}")
