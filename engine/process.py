"""One run of the pulumi command: followed live, interrupted or killed on demand, and read when it is over."""

import contextlib
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.errors import EngineError
from engine.events import Diagnostic, Event, EventPhase, ResourceStep, Summary, parse_event

TAIL_EVERY_S = 0.05
UNCHANGING = ("same", "read", "refresh")
NO_REASON = re.compile(r"(preview|update|refresh|destroy) failed|an unhandled error occurred: .* exit code:? \d+")
"""The engine's last word on a command or a program: of use only where there is no other."""
PRINTED = "info#err"
"""The engine's severity of what a program printed to stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Observer of a run while it goes on: its printed lines, its events. Called from other threads."""

    on_line: Callable[[str], None] | None = None
    on_event: Callable[[Event], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run that is over. `output` is what it printed, stdout and stderr in order."""

    command: tuple[str, ...]
    returncode: int
    output: str
    events: tuple[Event, ...]
    seconds: float
    interrupted: bool

    @property
    def ok(self) -> bool:
        return self.returncode == 0

    @property
    def changes(self) -> Mapping[str, int]:
        """Number of resources per operation (create, update, delete, same, ...), as the engine summed them up."""
        return next((event.changes for event in self.events if isinstance(event, Summary)), {})

    @property
    def changed(self) -> Mapping[str, int]:
        """The changes that change something."""
        return {op: count for op, count in self.changes.items() if op not in UNCHANGING and count}

    @property
    def changing_steps(self) -> tuple[ResourceStep, ...]:
        """The steps that changed something and ended, in order."""
        steps = (
            event for event in self.events if isinstance(event, ResourceStep) and event.phase is EventPhase.FINISHED
        )
        return tuple(step for step in steps if step.op not in UNCHANGING)

    def require_ok(self) -> Self:
        """The result itself. Refuses (EngineError) a run that failed, with the engine's own words."""
        if not self.ok:
            raise EngineError("; ".join(self.errors))
        return self

    @property
    def errors(self) -> tuple[str, ...]:
        """The messages of severity error, or the last printed lines of a failed run that gave none."""
        messages = [e.message for e in self.events if isinstance(e, Diagnostic) and e.severity == "error"]
        reasons = [message for message in messages if not NO_REASON.fullmatch(message)]
        if messages or self.ok:
            return tuple(dict.fromkeys(reasons or messages))
        return tuple(line for line in self.output.splitlines() if line.strip())[-3:]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The messages of severity warning, in order."""
        return tuple(e.message for e in self.events if isinstance(e, Diagnostic) and e.severity == "warning")

    @property
    def words(self) -> tuple[str, ...]:
        """The lines that programs and providers printed to stderr, in order."""
        said = (e.message for e in self.events if isinstance(e, Diagnostic) and e.severity == PRINTED)
        return tuple(line for message in said for line in message.splitlines())


class Run:
    """A run of the command that has started. `wait` gives its result; Ctrl-C while waiting is handed to the engine."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], watch: Watch, event_log: bool
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-engine-")
        self._log = Path(self._folder.name, "events.jsonl")
        self._command = (*command, "--event-log", str(self._log)) if event_log else tuple(command)
        self._watch = watch
        self._lines: list[str] = []
        self._events: list[Event] = []
        self._interrupted = False
        self._begin = time.monotonic()
        # A process group of its own: else a terminal's Ctrl-C would reach the engine beside the one handed on here, and
        # the second one makes it stop without cleaning up.
        self._process = subprocess.Popen(
            self._command, cwd=cwd, env=dict(env), text=True, errors="replace", process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read_output, self._tail_events)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def events(self) -> tuple[Event, ...]:
        """The events so far."""
        return tuple(self._events)

    def interrupt(self) -> None:
        """Asks the engine to cancel, as Ctrl-C does: it lets what it began end. A second time it stops at once."""
        self._interrupted = True
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kills the engine, as a crash would. What it began stays as it is."""
        self._process.kill()

    def wait(self) -> Result:
        """The result, once the engine has ended."""
        while self._process.returncode is None:
            try:
                self._process.wait()
            except KeyboardInterrupt:
                self.interrupt()
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._folder.cleanup()
        return Result(
            command=self._command,
            returncode=self._process.returncode,
            output="".join(self._lines),
            events=tuple(self._events),
            seconds=time.monotonic() - self._begin,
            interrupted=self._interrupted,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        self.wait()

    def _read_output(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line)
            if self._watch.on_line:
                self._watch.on_line(line.rstrip("\n"))

    def _tail_events(self) -> None:
        """Reads the event log as it grows. What a killed engine left half-written is no event."""
        position, rest = 0, ""
        while True:
            last = self._over.wait(TAIL_EVERY_S)
            if self._log.exists():
                with self._log.open() as file:
                    file.seek(position)
                    rest += file.read()
                    position = file.tell()
            *lines, rest = rest.split("\n")
            for line in lines:
                self._take(line)
            if last:
                return

    def _take(self, line: str) -> None:
        event = parse_event(line)
        if event:
            self._events.append(event)
            if self._watch.on_event:
                self._watch.on_event(event)
