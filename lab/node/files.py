"""Folders of files that change as a whole: a reader sees all of the old content or all of the new."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

DATA_LINK = "..data"

Files = Mapping[str, tuple[bytes, int]]
"""Path inside the folder -> content and mode."""


def write_folder(folder: Path, files: Files) -> None:
    """Gives `folder` this content, in the layout that programs which watch a mounted Secret rely on.

    Each name is a link through `..data`, which is a link to a folder of its own for every change.
    """
    fresh = folder / f"..{time.time_ns()}"
    fresh.mkdir(parents=True)
    for name, (content, mode) in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    old = (folder / DATA_LINK).resolve() if (folder / DATA_LINK).is_symlink() else None
    link = folder / "..data_tmp"
    link.symlink_to(fresh.name)
    link.rename(folder / DATA_LINK)
    _link_names(folder, {name.split("/")[0] for name in files})
    if old:
        shutil.rmtree(old, ignore_errors=True)


def _link_names(folder: Path, names: set[str]) -> None:
    for entry in folder.iterdir():
        if entry.name not in names and not entry.name.startswith(".."):
            entry.unlink()
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{DATA_LINK}/{name}")
