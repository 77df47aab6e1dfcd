"""Locks of a file backend: which there are, and which were left by an engine that is gone.

An engine writes {pid, username, hostname, timestamp} when it starts and removes it at its end; a killed one cannot.
"""

import json
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from engine.errors import LockedError

# The engine locks after it starts: a process that started later than the lock is another one with the same pid.
CLOCK_SLACK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    path: Path
    pid: int
    user: str
    host: str
    since: datetime

    @property
    def stale(self) -> bool:
        """True if its process is gone. Never for a lock of another host: that process cannot be seen from here."""
        return self.host == socket.gethostname() and not _is_running_since(self.pid, self.since)

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S}"


def find_locks(backend: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """The locks of this stack. One that vanishes or is half-written while it is read is not counted."""
    folder = backend / ".pulumi" / "locks" / "organization" / project / stack
    return tuple(lock for path in sorted(folder.glob("*.json")) if (lock := _read(path)))


def require_unlocked(backend: Path, project: str, stack: str) -> None:
    """Refuses a locked stack, with one message: who holds it, or that whoever did is gone and how to clear it."""
    locks = find_locks(backend, project, stack)
    held = [lock for lock in locks if not lock.stale]
    if held:
        raise LockedError(f"stack {stack!r} is in use by {held[0]}; wait for it to end, or interrupt it", stale=False)
    if locks:
        message = (
            f"stack {stack!r} is locked by {locks[0]}, which is gone; clear it with `pulumi cancel {stack} --yes`, "
            "then run the same command again"
        )
        raise LockedError(message, stale=True)


def _read(path: Path) -> Lock | None:
    try:
        content = json.loads(path.read_text())
        since = datetime.fromisoformat(content["timestamp"])
    except (OSError, ValueError, KeyError):
        return None
    return Lock(path=path, pid=content["pid"], user=content["username"], host=content["hostname"], since=since)


def _is_running_since(pid: int, since: datetime) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since.timestamp() + CLOCK_SLACK_S
    except psutil.NoSuchProcess:
        return False
