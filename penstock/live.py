"""What is shown while the engine works: a line that moves in a terminal, a line now and then elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.status import Status

from rehearsal.engine.events import Diagnostic, Event, Phase, ResourceStep
from rehearsal.engine.process import Watch

QUIET_LINE_EVERY_S = 15.0
"""Without a terminal: how often a moving line is printed as a line of its own."""

DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}


class Live:
    """Follows one command of the engine."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._status = Status(title, console=console)
        self._printed = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    @property
    def watch(self) -> Watch:
        return Watch(on_event=self.take)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(f"    {text}", highlight=False, soft_wrap=True)

    def take(self, event: Event) -> None:
        match event:
            case Diagnostic(ephemeral=True, message=message):
                self.move(message)
            case Diagnostic(severity="error" | "warning" | "info", message=message):
                self.say(message)
            case ResourceStep(phase=Phase.FINISHED, op=op, type=kind, name=name) if op in DONE:
                self.say(f"[dim]{DONE[op]} {kind} {name}[/]")
            case _:
                pass

    def move(self, message: str) -> None:
        """A line that the next one takes the place of."""
        if self._console.is_terminal:
            self._status.update(f"{self._title}: {message}")
        elif time.monotonic() - self._printed >= QUIET_LINE_EVERY_S:
            self._printed = time.monotonic()
            self.say(message)
