"""Write check of a node on the volume that all nodes share."""

import os
from contextlib import suppress
from pathlib import Path

PROBE_BYTES = 2**20


def write_probe(folder: Path, node: int) -> str:
    """Reason why this node cannot write, sync and read back a file there; empty where it can."""
    path = _probe_path(folder, node)
    content = os.urandom(PROBE_BYTES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.read_bytes() != content:
            return f"{path} reads otherwise than it was written"
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror})"
    return ""


def over_tcp(module: str, modules: Path = Path("/sys/module")) -> str:
    """Reason why this node's file system does not go over the fabric; empty where the kernel module that brings it
    there is in use.
    """
    try:
        users = int((modules / module / "refcnt").read_text())
    except OSError:
        return f"the file system is reached over TCP: the kernel module {module} is not loaded"
    return "" if users > 0 else f"the file system is reached over TCP: the kernel module {module} has no interface"


def unseen(folder: Path, nodes: int) -> tuple[int, ...]:
    """Nodes whose file is not to be seen from here: what they write to is another file system."""
    return tuple(node for node in range(nodes) if not _probe_path(folder, node).is_file())


def remove_probe(folder: Path, node: int) -> None:
    """Gone, or left where it cannot be removed, which `write_probe` has told then."""
    with suppress(OSError):
        _probe_path(folder, node).unlink()


def _probe_path(folder: Path, node: int) -> Path:
    return folder / f".fabric-check-{node}"
