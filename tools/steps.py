"""Long steps of the set-up: run a program, show what it does and for how long, fail with one sentence."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TERMINAL_EVERY_S = 0.2
LOG_EVERY_S = 20.0
TELLS_AFTER_S = 3.0
"""A pace of less than this says nothing about the time that is left."""
FULL = "the disk is full; free some space and run it again"
OFFLINE = "the network cannot be reached; connect it, or set the proxy or mirror this machine has"
TAMPERED = "what was downloaded is not what is pinned; do not use this mirror"
NO_VENV = "this Python cannot make environments; install its venv package (Debian, Ubuntu: apt install python3-venv)"
REMEDIES = {
    "No space left on device": FULL,
    "Disk quota exceeded": FULL,
    "ensurepip is not available": NO_VENV,
    "No module named venv": NO_VENV,
    "DO NOT MATCH THE HASHES": TAMPERED,
    "Hash mismatch": TAMPERED,
    "checksum mismatch": TAMPERED,
    "no such host": OFFLINE,
    "dial tcp": OFFLINE,
    "proxyconnect": OFFLINE,
    "dns error": OFFLINE,
    "Failed to fetch": OFFLINE,
    "connection error": OFFLINE,
    "Could not find a version": OFFLINE,
}


class SetupError(Exception):
    """One sentence: what cannot be had, and the remedy."""


@dataclass(slots=True, eq=False)
class Step:
    """One long step while it is shown."""

    what: str
    detail: str = ""
    started: float = field(default_factory=time.monotonic)

    def line(self, mark: str) -> str:
        """`- what 1:20 detail`."""
        seconds = int(time.monotonic() - self.started)
        return f"{mark} {self.what} {seconds // 60}:{seconds % 60:02d} {self.detail}".rstrip()


_steps: list[Step] = []
_painted = 0
"""Lines of the terminal that show the steps now; the cursor is at the end of the last one."""
_screen = threading.RLock()
_children: set[int] = set()
_stopping = threading.Event()


@contextmanager
def elapsed(what: str) -> Iterator[Step]:
    """Shows `what`, the detail of the step it yields, and the time, until the block ends; several may run at once."""
    step, done = Step(what), threading.Event()
    with _screen:
        _steps.append(step)
    thread = threading.Thread(target=_show, args=(step, done), daemon=True)
    thread.start()
    ending = "x"
    try:
        yield step
        ending = "+"
    finally:
        done.set()
        thread.join()
        step.detail = ""
        with _screen:
            _steps.remove(step)
            say(step.line(ending))


def say(line: str) -> None:
    """Writes a line that stays, above the steps that are shown."""
    with _screen:
        if sys.stderr.isatty():
            _paint(line)
        else:
            _write(line + "\n")


def time_left(done: float, total: float, seconds: float) -> str:
    """`2 min left` at the mean pace of the `seconds` that `done` took; "" while that says nothing."""
    if seconds < TELLS_AFTER_S or not 0 < done < total:
        return ""
    left = seconds * (total - done) / done
    return f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left"


def stop_all() -> None:
    """Ends what runs in other threads: programs are killed, downloads end at their next piece."""
    _stopping.set()
    for pid in list(_children):
        _signal(pid, signal.SIGTERM)


def start_again() -> None:
    """Takes `stop_all` back."""
    _stopping.clear()


def check_stopped() -> None:
    """Raises SetupError once `stop_all` was called."""
    if _stopping.is_set():
        raise SetupError("interrupted; run it again to go on")


def status(work: Callable[[], int], interrupted: str) -> int:
    """The exit status of a command: of `work`; 1 with one sentence on stderr, 130 with `interrupted` there."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return work()
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or 'this machine'}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"{interrupted}\n")
        return 130


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    show: Callable[[str], str] = str.strip,
) -> str:
    """The program's output; `show` makes the shown detail of each line.

    Raises SetupError with the remedy when it fails; ends it when this one is interrupted.
    """
    with elapsed(what) as step:
        check_stopped()
        try:
            child = subprocess.Popen(
                [str(part) for part in command], env=env, cwd=cwd, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SetupError(f"{what}: {command[0]} cannot be started: {error.strerror}") from error
        _children.add(child.pid)
        if _stopping.is_set():
            _signal(child.pid, signal.SIGTERM)
        try:
            text = _follow(child, step, show)
        finally:
            _end(child)
            _children.discard(child.pid)
        check_stopped()
        if child.returncode:
            raise SetupError(f"{what}: {remedy(text)}")
    return text


def remedy(text: str) -> str:
    """The remedy for a failed program's output, or its last lines where none is known."""
    for sign, advice in REMEDIES.items():
        if sign in text:
            return advice
    tail = [line.strip() for line in text.splitlines() if line.strip()][-3:]
    return "failed: " + " | ".join(tail) if tail else "failed without a message"


def _follow(child: subprocess.Popen[str], step: Step, show: Callable[[str], str]) -> str:
    lines = []
    for line in child.stdout or ():
        lines.append(line)
        step.detail = show(line)
    child.wait()
    return "".join(lines)


def _end(child: subprocess.Popen[str]) -> None:
    """Nothing of the child is left, whatever ended the wait for it."""
    try:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(5)
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _show(step: Step, done: threading.Event) -> None:
    terminal = sys.stderr.isatty()
    while not done.wait(TERMINAL_EVERY_S if terminal else LOG_EVERY_S):
        with _screen:
            if terminal:
                _paint()
            else:
                _write(step.line("-") + "\n")


def _paint(above: str = "") -> None:
    """Draws the steps anew where they stand, and `above` them a line that stays."""
    global _painted  # noqa: PLW0603 - the terminal is one for the process
    up = f"\033[{_painted - 1}A" if _painted > 1 else ""
    erase = f"\r{up}\033[J" if _painted else ""
    lines = [step.line("-")[: _columns()] for step in _steps]
    _write(erase + (above + "\n" if above else "") + "\n".join(lines))
    _painted = len(lines)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns - 1
    except OSError:
        return 79


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
