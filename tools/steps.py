"""Long steps of the set-up: run a program, show what it does and for how long, fail with one sentence."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TERMINAL_EVERY_S = 0.2
LOG_EVERY_S = 20.0
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


def run(
    command: Sequence[str | Path], *, what: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """The program's output. Raises SetupError with the remedy when it fails; ends it when this one is interrupted."""
    with elapsed(what) as shown:
        try:
            child = subprocess.Popen(
                [str(part) for part in command], env=env, cwd=cwd, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise SetupError(f"{what}: {command[0]} cannot be started: {error.strerror}") from error
        try:
            text = _follow(child, shown)
        finally:
            _end(child)
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


@contextmanager
def elapsed(what: str) -> Iterator[list[str]]:
    """Shows `what`, the last string of the list it yields, and the time, until the block ends."""
    detail, done, start = [""], threading.Event(), time.monotonic()
    terminal = sys.stderr.isatty()

    def line(mark: str) -> str:
        seconds = int(time.monotonic() - start)
        return f"{mark} {what} {seconds // 60}:{seconds % 60:02d} {detail[-1]}"

    def show() -> None:
        while not done.wait(TERMINAL_EVERY_S if terminal else LOG_EVERY_S):
            _write(f"\r\033[K{line('-')[: _columns()]}" if terminal else line("-") + "\n")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    ending = "x"
    try:
        yield detail
        ending = "+"
    finally:
        done.set()
        thread.join()
        detail.append("")
        _write(f"\r\033[K{line(ending)}\n" if terminal else line(ending) + "\n")


def _follow(child: subprocess.Popen[str], shown: list[str]) -> str:
    lines = []
    for line in child.stdout or ():
        lines.append(line)
        shown[0] = line.strip()
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


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns - 1
    except OSError:
        return 79


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
