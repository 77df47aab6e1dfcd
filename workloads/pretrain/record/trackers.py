"""Followers of a run as rank 0 has them: started, looked at, and ended in time."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from components.spec.observe import TrackerKind
from workloads.pretrain.config import JobFile
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.record.track import FINISHED, STOPPED, read_state, state_file, unsent

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
FINISHED_S = 60.0
"""Seconds that a tracker gets for the rest once the model is exported; only rank 0 waits."""
STOPPED_S = 5.0
"""The same after a request to stop: inside the margin of every grace (components/estimate/stop.py)."""


class Trackers:
    """The followers of one attempt."""

    def __init__(self, job: JobFile) -> None:
        self._folder = RunFolder.of(job)
        self._told: dict[TrackerKind, str] = {}
        self._looked = time.monotonic()
        self._running = {one.kind: self._start(one.kind) for one in job.training.trackers}

    def _start(self, kind: TrackerKind) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "workloads.pretrain.record.track",
            str(self._folder.job),
            kind.value,
            "--follow",
        ]
        with _log(self._folder.logs / f"tracker-{kind.value}.log") as stream:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, stderr=stream)

    @property
    def due(self) -> bool:
        """True now and then: looking takes a file of each tracker."""
        if time.monotonic() - self._looked < LOOK_EVERY_S:
            return False
        self._looked = time.monotonic()
        return True

    def behind(self) -> Iterator[tuple[TrackerKind, int, int]]:
        """Of each tracker: bytes of metrics.jsonl that it has not got yet, and lines that it has refused."""
        size = self._folder.metrics.stat().st_size
        for kind in self._running:
            state = read_state(state_file(self._folder, kind))
            yield kind, size - state["offset"], state["refused"]

    def news(self) -> Iterator[str]:
        """Messages of followers that were not told before; the run goes on without their trackers."""
        for kind, process in self._running.items():
            message = read_state(state_file(self._folder, kind))["message"]
            if not message and process.poll() is not None:
                message = f"its follower ended with code {process.returncode}; logs/tracker-{kind.value}.log says why"
            if message and message != self._told.get(kind):
                yield f"{kind.value}: {message}; the run goes on without it, and metrics.jsonl keeps what it lacks"
            self._told[kind] = message

    def close(self, finished: bool) -> Iterator[str]:
        """Ends the followers; a message for each that did not get everything."""
        for process in self._running.values():
            _say(process, FINISHED if finished else STOPPED)
        until = time.monotonic() + (FINISHED_S if finished else STOPPED_S)
        for kind, process in self._running.items():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if lines := unsent(self._folder, kind):
                again = f"`python -m workloads.pretrain.record.track {self._folder.job} {kind.value}`"
                fact = f"{kind.value}: {lines} lines of metrics.jsonl were not sent"
                yield f"{fact}; the next start sends them, or {again}"
        self._running = {}


def _log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def _say(process: subprocess.Popen[bytes], word: str) -> None:
    """A word to a follower; nothing to one that has ended."""
    assert process.stdin is not None
    try:
        process.stdin.write(f"{word}\n".encode())
        process.stdin.close()
    except OSError:
        return
