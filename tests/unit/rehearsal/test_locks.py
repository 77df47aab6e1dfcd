"""Locks of the file backend: whose they are, and whether that process is there."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import LockedError
from engine.locks import find_locks, require_unlocked


def write_lock(backend: Path, *, pid: int, host: str = "", since: datetime | None = None, name: str = "a") -> Path:
    folder = backend / ".pulumi" / "locks" / "organization" / "penstock" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = (since or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"  # Go writes nanoseconds
    content = {"pid": pid, "username": "me", "hostname": host or socket.gethostname(), "timestamp": stamp}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_no_lock(tmp_path: Path) -> None:
    assert find_locks(tmp_path, "penstock", "local") == ()
    require_unlocked(tmp_path, "penstock", "local")


def test_a_living_process_holds_it(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=os.getpid())
    assert not find_locks(tmp_path, "penstock", "local")[0].stale
    with pytest.raises(LockedError, match=rf"'local' is in use by process {os.getpid()} of me on .*; wait") as error:
        require_unlocked(tmp_path, "penstock", "local")
    assert not error.value.stale


def test_a_dead_process_left_it(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=dead_pid())
    with pytest.raises(LockedError, match="which is gone; clear it with `pulumi cancel local --yes`") as error:
        require_unlocked(tmp_path, "penstock", "local")
    assert error.value.stale


def test_a_zombie_is_gone(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # closed when it has ended, and nobody has asked for its status
    lock = write_lock(tmp_path, pid=child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert find_locks(tmp_path, "penstock", "local")[0].stale, lock.read_text()
    child.wait()


def test_another_process_with_the_same_pid_does_not_hold_it(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=os.getpid(), since=datetime.now(UTC) - timedelta(days=30))
    assert find_locks(tmp_path, "penstock", "local")[0].stale


def test_another_host_is_never_called_stale(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=dead_pid(), host="elsewhere")
    with pytest.raises(LockedError, match=r"in use by process .* on elsewhere"):
        require_unlocked(tmp_path, "penstock", "local")


def test_one_living_holder_among_stale_locks_decides(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=dead_pid(), name="a")
    write_lock(tmp_path, pid=os.getpid(), name="b")
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        require_unlocked(tmp_path, "penstock", "local")


def test_a_lock_that_is_being_written_is_not_counted(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=1).write_text("")
    assert find_locks(tmp_path, "penstock", "local") == ()
