"""Processes that outlive whoever started them: known again by pid and start, found by a mark, ended for certain."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from components.labels import PROCESS_MARK

ROOT = Path(__file__).resolve().parents[2]

STACK = "PENSTOCK_STACK"

POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process for all time: a pid comes again, together with the moment of its start it does not."""

    pid: int
    started: str
    """Boot and clock tick of the start where the system tells them, so that setting the clock changes nothing."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this pid now; None when there is none, or only its zombie."""
        started = _started(pid)
        return cls(pid=pid, started=started) if started else None

    @classmethod
    def parse(cls, record: Any) -> Self | None:
        """The process of a record written by `record`; None when it is none."""
        match record:
            case {"pid": int(pid), "started": str(started)}:
                return cls(pid=pid, started=started)
            case _:
                return None

    def record(self) -> dict[str, object]:
        return {"pid": self.pid, "started": self.started}

    @property
    def is_alive(self) -> bool:
        return _started(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send the signal; nothing happens to a process that is gone, nor to another with its pid."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Waits; true if it was gone within that time."""
        end = time.monotonic() + timeout_s
        while self.is_alive:
            if time.monotonic() >= end:
                return False
            time.sleep(POLL_S)
        return True


def clean_environment(folder: Path, stack: str, env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run's or a server's process: this one's with `env`, marked, and nothing of the engine's.

    The engine's variables hold the passphrase and the stack's configuration.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    paths = [str(ROOT), *filter(None, [env.get("PYTHONPATH") or inherited.get("PYTHONPATH")])]
    ours = {PROCESS_MARK: str(folder), STACK: stack, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    return inherited | dict(env) | ours


def marked(folder: Path) -> list[Process]:
    """All living processes that carry the folder's mark."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(PROCESS_MARK) == str(folder) and (known := Process.of(process.pid)):
                found.append(known)
    return found


def marked_below(folder: Path) -> list[Process]:
    """All living processes that work for a folder inside this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            mark = process.environ().get(PROCESS_MARK)
            if mark and Path(mark).is_relative_to(folder) and (known := Process.of(process.pid)):
                found.append(known)
    return found


def family(process: Process) -> list[Process]:
    """The process and what descends from it."""
    if not process.is_alive:
        return []
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        below = []
    return [process, *filter(None, (Process.of(child.pid) for child in below))]


def kill(folder: Path, *also: Process) -> int:
    """Kill everything that carries the folder's mark, and `also`; how many there were.

    Looks again until there is nothing left: a process may have started another meanwhile.
    """
    count = 0
    while victims := {*marked(folder), *(process for process in also if process.is_alive)}:
        count += len(victims)
        for victim in victims:
            victim.signal(signal.SIGKILL)
        _wait_all(victims, 5.0)
    return count


def stop(process: Process, folder: Path, grace_s: float, tell: Callable[[float], None]) -> bool:
    """Ask the process to end, then kill it and what carries the mark; whether it ended by itself.

    `tell` hears how many seconds have passed, about once a second.
    """
    if not process.is_alive:
        kill(folder)
        return True
    everyone = family(process)
    process.signal(signal.SIGTERM)
    begin = time.monotonic()
    ended = False
    while not ended and (passed := time.monotonic() - begin) < grace_s:
        tell(passed)
        ended = process.wait(min(1.0, grace_s - passed))
    ended = ended or not process.is_alive
    kill(folder, *everyone)
    return ended


def _wait_all(processes: Iterable[Process], timeout_s: float) -> bool:
    """Waits for all; true if they were gone within that time."""
    end = time.monotonic() + timeout_s
    return all(process.wait(max(0.0, end - time.monotonic())) for process in processes)


def _started(pid: int) -> str | None:
    stat = Path(f"/proc/{pid}/stat")
    try:
        # proc(5): after the command in brackets come the state (3) and, at 22, the start in ticks since boot.
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _created(pid)
    if fields[0] in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[19]}"


def _created(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None
