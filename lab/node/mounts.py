"""Root file system of a container: the steps in which the launcher puts it together. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Step = dict[str, Any]

SHARED_FOLDERS = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/opt")
OPENED_FOLDERS = ("/usr", "/usr/local")
"""Folders of this machine that every container has, read-only; the opened ones by entry, so that a pod may mount
beside.
"""
HOST_ETC = (
    "ld.so.cache", "ssl", "ca-certificates", "alternatives", "localtime", "protocols", "services", "mime.types",
    "slurm", "fonts",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
OPEN_MODE = 0o1777


@dataclass(frozen=True, slots=True, kw_only=True)
class BindMount:
    """A folder or file of this machine at a place in the container."""

    source: Path
    path: str
    read_only: bool = False

    def step(self) -> Step:
        return {"how": "bind", "path": self.path, "source": str(self.source), "read_only": self.read_only}


def root_steps(*, etc: Path, shm: Path, programs: Iterable[BindMount], volumes: Iterable[BindMount]) -> list[Step]:
    """All of a container's root, in the order in which it must be made: a mount comes after what it lies in.

    `etc` is the pod's own /etc (resolv.conf, hosts, passwd...), `shm` its shared memory, `programs` what the image
    holds beside this machine's /usr.
    """
    entries = [path for folder in OPENED_FOLDERS for path in sorted(Path(folder).iterdir())]
    shared = [*map(Path, SHARED_FOLDERS), *(path for path in entries if str(path) not in OPENED_FOLDERS)]
    steps = [_shared(path) for path in shared if os.path.lexists(path)]
    steps += [_folder("/tmp"), _folder("/var/tmp"), _folder("/run"), _folder("/root", 0o755), _folder("/dev", 0o755)]  # noqa: S108
    steps += [_link("/var/run", "../run")]
    steps += [BindMount(source=etc, path="/etc").step()]
    steps += [
        BindMount(source=Path("/etc", name), path=f"/etc/{name}", read_only=True).step()
        for name in HOST_ETC
        if Path("/etc", name).exists()
    ]
    steps += [{"how": "proc", "path": "/proc"}, BindMount(source=Path("/sys"), path="/sys", read_only=True).step()]
    steps += [BindMount(source=Path("/dev", name), path=f"/dev/{name}").step() for name in DEVICES]
    steps += [
        _link(f"/dev/{name}", f"/proc/self/fd/{number}") for number, name in enumerate(("stdin", "stdout", "stderr"))
    ]
    steps += [_link("/dev/fd", "/proc/self/fd"), BindMount(source=shm, path="/dev/shm").step()]  # noqa: S108
    # A checkout may lie under /tmp, and a pod may mount a volume there.
    return steps + [mount.step() for mount in sorted((*programs, *volumes), key=lambda mount: mount.path.count("/"))]


def _shared(path: Path) -> Step:
    """Repeats this machine's links in the container (such as /bin to usr/bin), but relative: the root is still
    elsewhere.
    """
    if path.is_symlink():
        target = str(path.readlink())
        return _link(str(path), os.path.relpath(target, path.parent) if target.startswith("/") else target)
    return BindMount(source=path, path=str(path), read_only=True).step()


def _folder(path: str, mode: int = OPEN_MODE) -> Step:
    return {"how": "folder", "path": path, "mode": mode}


def _link(path: str, target: str) -> Step:
    return {"how": "link", "path": path, "source": target}
