"""Things that are made once and kept outside the checkout: complete or absent, never made by two processes at once."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.steps import SetupError, check_stopped, elapsed

POLL_S = 0.2
FULL_BYTES = 16 << 20


def cache_root() -> Path:
    """PENSTOCK_CACHE, else `penstock` in XDG_CACHE_HOME, else ~/.cache/penstock."""
    if own := os.environ.get("PENSTOCK_CACHE"):
        return Path(own).expanduser().resolve()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "penstock"


def make_once(target: Path, build: Callable[[Path], None]) -> Path:
    """`target`, made by `build(folder)` unless it is there already.

    Guarantees: built in a temporary folder beside it and renamed, so an interrupted build leaves nothing; one builder
    at a time, the others wait and say for whom; what a killed builder left is removed by the next.
    """
    if target.is_dir():
        return target
    with locked(target.parent / f"{target.name}.lock", what=target.name):
        if not target.is_dir():
            partial = _fresh(target)
            try:
                build(partial)
                partial.rename(target)
            except SetupError as error:
                raise _disk_full(target.parent) or error from None
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return target


def _disk_full(folder: Path) -> SetupError | None:
    """Real cause of a program that failed for want of space and did not say so, as ensurepip does not."""
    free = shutil.disk_usage(folder).free
    return SetupError(f"the disk of {folder} is full; free some space and run it again") if free < FULL_BYTES else None


def _fresh(target: Path) -> Path:
    """An empty folder beside `target`; left-overs of builders that were killed are removed (the lock is held)."""
    for old in target.parent.glob(f"{target.name}.partial-*"):
        shutil.rmtree(old, ignore_errors=True)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    return partial


@contextmanager
def locked(path: Path, *, what: str) -> Iterator[None]:
    """Holds the lock file for the block. While another process holds it, says which one and waits."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise SetupError(f"{path} cannot be written ({error.strerror}); set PENSTOCK_CACHE to one that can") from error
    with file:
        _acquire(file.fileno(), path, what)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": time.strftime("%H:%M:%S")}))
        file.flush()
        yield
        file.truncate(0)


def _acquire(descriptor: int, path: Path, what: str) -> None:
    if _try_lock(descriptor):
        return
    with elapsed(f"{what}: {_holder(path)} is making it, waiting"):
        while not _try_lock(descriptor):
            check_stopped()
            time.sleep(POLL_S)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.read_text())
        return f"process {content['pid']} (since {content['since']})"
    except (ValueError, KeyError, OSError):
        return "another process"
