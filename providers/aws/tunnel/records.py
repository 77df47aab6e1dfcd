"""Files by which the processes of one user know of each other's tunnels, in a folder that only this user may read."""

from __future__ import annotations

import json
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

from components.errors import PenstockError
from providers.aws.tunnel.way import Way


@dataclass(frozen=True, slots=True)
class KeeperRecord:
    """A keeper: its process, and the way that it keeps."""

    pid: int
    started_s: float
    way: Way

    @property
    def process(self) -> psutil.Process | None:
        """The keeper's process, None where it has ended, though another may have its number."""
        try:
            found = psutil.Process(self.pid)
            return found if abs(found.create_time() - self.started_s) < 1 else None
        except psutil.Error:
            return None


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one port."""

    port: int

    @property
    def record(self) -> Path:
        return folder() / f"{self.port}.json"

    @property
    def log(self) -> Path:
        return folder() / f"{self.port}.log"

    def lock(self) -> FileLock:
        """Held by whoever starts or ends a keeper of the port."""
        return FileLock(folder() / f"{self.port}.lock", mode=0o600)

    def read(self) -> KeeperRecord | None:
        """The keeper that lives; the file of one that does not is taken away."""
        try:
            told = json.loads(self.record.read_text())
            found = KeeperRecord(told["pid"], told["started_s"], Way(**told["way"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if found.process:
            return found
        self.record.unlink(missing_ok=True)
        return None

    def write(self, way: Way) -> None:
        """Notes this process as the port's keeper."""
        own = {"pid": os.getpid(), "started_s": psutil.Process().create_time(), "way": json.loads(way.written())}
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(own))
        fresh.replace(self.record)

    def forget(self) -> None:
        """Takes the record of this process away, and no other's."""
        if (found := self.read()) and found.pid == os.getpid():
            self.record.unlink(missing_ok=True)

    def last_asked_s(self) -> float:
        """Seconds since 1970 at which somebody last asked for the tunnel."""
        try:
            return self.record.stat().st_mtime
        except OSError:
            return 0.0


def folder() -> Path:
    """The folder of this machine; PenstockError where others could write to it."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    found = Path(state) / "penstock" / "tunnels" / socket.gethostname()
    found.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = found.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise PenstockError(f"{found}: others may write to it; take it away, or make it yours alone (chmod 700)")
    return found
