"""The volume's folder on disk: whose it is, what in it is penstock's, and how much room it needs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from components.files import read_json, words_for_bytes

MARKER = ".penstock-volume.json"
NEEDED_BYTES = 256 * 2**20
"""Room below which no folder is accepted: the data, checkpoints and export of the smallest useful run."""

OWN_FILES = {
    ("prepared", 1): (".prepared",),
    ("runs", 2): ("job.json", "supervisor.json"),
    ("services", 3): ("config.json", "server.json"),
}
"""Files of which each folder of a run (runs/NAME), a server (services/NAME/PORT) or of text (prepared) has one.

By the first folder of the volume and the level below it: elsewhere a config.json is a user's, such as of a model.
"""
DEEPEST = 3


def owner_of(folder: Path) -> str:
    """Project, stack and name of the volume that the folder is; empty when it is none."""
    return str(read_json(folder / MARKER).get("owner") or "")


def occupied(folder: Path, owner: str) -> str:
    """The reason against the folder as this volume, with the remedy; empty when it can. `owner`: PROJECT/STACK/NAME."""
    holder = owner_of(folder)
    if holder and holder != owner:
        return f"{folder} is the volume of {holder}, this one is {owner}; name another folder"
    entries = entries_of(folder)
    if entries and not holder:
        held = f"{len(entries)} entries that are" if entries[1:] else "an entry that is"
        return f"{folder} holds {held} not penstock's, such as {entries[0]!r}; name an empty or a new folder"
    return ""


def too_little_room(folder: Path, needed: int) -> str:
    """The reason that an existing folder cannot hold that many bytes, with the remedy; empty when it can."""
    usage = shutil.disk_usage(folder)
    if usage.total == 0:
        return f"{folder} is on a file system that keeps no files; name a folder of a disk"
    if usage.free >= needed:
        return ""
    return (
        f"{folder} has {words_for_bytes(usage.free)} free, at least {words_for_bytes(needed)} are needed; free some "
        "space, or name a folder of another disk"
    )


def entries_of(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def own_folders(folder: Path) -> list[Path]:
    """The folders of runs and servers in it."""
    return [path for path, own in _parts(folder, ()) if own]


def strangers(folder: Path) -> list[Path]:
    """Files and folders in it that penstock has not made; those inside a run's or a server's folder count as its."""
    return [path for path, own in _parts(folder, ()) if not own and path.name != MARKER]


def _parts(folder: Path, place: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """The folder's contents, and which are a run's or a server's; folders that only hold such are entered.

    `place` is the way to the folder from the volume.
    """
    for path in sorted(folder.iterdir()):
        here = (*place, path.name)
        if path.is_symlink() or not path.is_dir():
            yield path, False
        elif any((path / name).is_file() for name in OWN_FILES.get((here[0], len(here)), ())):
            yield path, True
        elif len(here) < DEEPEST:
            yield from _parts(path, here)
        elif any(path.iterdir()):
            yield path, False
