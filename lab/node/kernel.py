"""The few system calls of a process node that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that forked it ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")


def adopt_orphans() -> None:
    """Makes the orphans of a child of this process its own children."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl")


def own_mounts() -> None:
    """From here on what this process mounts is its own, and goes when it and its children have ended."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "/")


def mount_memory(folder: Path, size_bytes: int | None) -> None:
    """A file system in memory at `folder`; half of this machine's memory where no size is given."""
    options = f"mode=1777,size={size_bytes}" if size_bytes else "mode=1777"
    _check(_libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, options.encode()), str(folder))


def unmount(path: Path) -> None:
    """Takes a mount away at once, even while it is in use; nothing where there is none."""
    _libc.umount2(bytes(path), MNT_DETACH)


def _check(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
