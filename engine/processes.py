"""Child processes of the language host: started in a group of their own, streamed, and never left behind."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

# The engine gives a plugin 5 s between interrupt and kill; the host's own children get less, so that it can finish.
GRACE_S = 4.0


class Children:
    """The running children of this process. `stop_all` ends every one, and refuses new ones from then on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def start(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], capture: bool
    ) -> subprocess.Popen[bytes]:
        """The started process; with `capture` its output is piped, else it goes where this process writes."""
        pipe = subprocess.PIPE if capture else None
        with self._lock:
            if self._closed:
                raise RuntimeError("the language host is shutting down")
            child = subprocess.Popen(
                command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
                start_new_session=True,
            )  # fmt: skip
            self._running.add(child)
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """The exit status, once it has ended."""
        status = child.wait()
        with self._lock:
            self._running.discard(child)
        return status

    def stop_all(self) -> None:
        """Ends every child and its group: asked first, killed after GRACE_S together."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        stop(*running)


def stop(*children: subprocess.Popen[bytes]) -> None:
    """Ends these processes and their groups: SIGTERM, and SIGKILL for what is left GRACE_S later."""
    for child in children:
        _signal_group(child, signal.SIGTERM)
    timer = threading.Timer(GRACE_S, _kill, children)
    timer.daemon = True
    timer.start()
    for child in children:
        child.wait()
        _signal_group(child, signal.SIGKILL)  # what the child itself left in its group
    timer.cancel()


def output(child: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """Output of the child, as ("stdout" | "stderr", bytes) as soon as it is written, until both are closed."""
    chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    streams = [("stdout", child.stdout), ("stderr", child.stderr)]
    for name, stream in streams:
        threading.Thread(target=_pump, args=(name, stream, chunks), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        name, chunk = chunks.get()
        if chunk:
            yield name, chunk
        else:
            open_streams -= 1


def _pump(name: str, stream: IO[bytes], chunks: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    while chunk := os.read(stream.fileno(), 65536):
        chunks.put((name, chunk))
    chunks.put((name, b""))


def _kill(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
