"""penstock:local:Volume: a folder that is the stack's own."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.errors import PenstockError
from providers.plugin.calls import Call, Change, Found, Mistake, Properties, absolute, changed, required
from providers.plugin.files import read_json, size_bytes, words_for_bytes, write_json
from providers.plugin.processes import marked_below

MARKER = ".penstock-volume.json"
NEEDED_BYTES = 256 * 2**20
"""Room below which no folder is accepted: the data, checkpoints and export of the smallest useful run."""


def check(inputs: Properties) -> Sequence[Mistake]:
    """The path is absolute, no folder that others live in, and the rule for its end is known."""
    mistakes = [*required(inputs, {"path": str, "onDestroy": str}), *absolute(inputs, "path")]
    path, rule = inputs.get("path"), inputs.get("onDestroy")
    if isinstance(path, str) and Path(path) in {Path("/"), Path.home(), *Path.home().parents}:
        mistakes.append(Mistake(name="path", message=f"path: {path} holds more than a volume; name a folder below it"))
    if isinstance(rule, str) and rule not in {"keep", "delete"}:
        mistakes.append(Mistake(name="onDestroy", message=f"onDestroy: {rule!r} is neither 'keep' nor 'delete'"))
    return mistakes


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[Change]:  # noqa: ARG001 (as every kind)
    """Changed inputs; and the folder itself when it is no longer there.

    Another path is no replacement: the old folder would then be deleted, with checkpoints that cannot be had back.
    """
    changes = [Change(name=name) for name in changed(old, new, ("path", "onDestroy"))]
    if not changes and not _marker(new["path"]).exists():
        changes.append(Change(name="path"))
    return changes


def foresee(inputs: Properties, outputs: Properties | None) -> Properties:  # noqa: ARG001
    return {}


def create(call: Call, inputs: Properties) -> Properties:
    """The folder, readable by its owner only, marked as this stack's."""
    _claim(Path(inputs["path"]), call.owner)
    return {}


def update(call: Call, old: Properties, new: Properties) -> Properties:
    """The folder of the new path. What lies in the old one stays, and where is said."""
    folder, before = Path(new["path"]), Path(old["path"])
    _claim(folder, call.owner)
    if before != folder and _marker(before).exists():
        call.voice.say(f"the volume is now {folder}; {_kept(before)}")
    return {}


def read(inputs: Properties) -> Found | None:
    """None when the folder is gone."""
    return Found(outputs={}) if _marker(inputs["path"]).exists() else None


def delete(call: Call, outputs: Properties) -> None:
    """Remove the folder with all it holds, or say what is kept, where, and how to remove it."""
    folder = Path(outputs["path"])
    if not _marker(folder).exists():
        call.voice.say(f"{folder} is not there, or is no longer penstock's; nothing was removed")
        return
    if running := marked_below(folder):
        pids = ", ".join(str(process.pid) for process in running)
        raise PenstockError(f"{folder}: process {pids} still works in it; nothing was removed. Stop it and try again")
    if outputs["onDestroy"] == "delete":
        size = words_for_bytes(size_bytes(folder))
        _remove(folder)
        call.voice.say(f"deleted {folder} ({size}), as onDestroy: delete asks")
    elif _entries(folder) == [MARKER]:
        _remove(folder)
        call.voice.say(f"{folder} was empty and is removed")
    else:
        call.voice.say(_kept(folder))


def _marker(path: str | Path) -> Path:
    return Path(path) / MARKER


def _claim(folder: Path, owner: str) -> None:
    """Make or take over the folder; PenstockError when it is another's, not writable, or nearly full."""
    try:
        made = _make(folder)
        _require_ours(folder, owner)
        _require_room(folder)
        folder.chmod(0o700)
        write_json(_marker(folder), {"owner": owner})
    except OSError as error:
        raise PenstockError(
            f"storage.volume.path: {error.filename or folder}: {error.strerror}; make it writable for you, "
            "or name another folder"
        ) from None
    except PenstockError:
        if made:
            folder.rmdir()
        raise


def _make(folder: Path) -> bool:
    """Whether the folder was not there before."""
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return not existed


def _require_ours(folder: Path, owner: str) -> None:
    holder = read_json(_marker(folder)).get("owner")
    if holder and holder != owner:
        raise PenstockError(
            f"storage.volume.path: {folder} is the volume of {holder}, this one is {owner}; name another folder"
        )
    entries = _entries(folder)
    if entries and not holder:
        raise PenstockError(
            f"storage.volume.path: {folder} holds {len(entries)} entries that are not penstock's, such as "
            f"{entries[0]!r}; name an empty or a new folder"
        )


def _require_room(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".penstock-probe-"):
        free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise PenstockError(
            f"storage.volume.path: {folder} has {words_for_bytes(free)} free, at least "
            f"{words_for_bytes(NEEDED_BYTES)} are needed; free some space, or name a folder of another disk"
        )


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise PenstockError(
            f"{error.filename}: cannot be removed ({error.strerror}); remove {folder} by hand"
        ) from None


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _kept(folder: Path) -> str:
    size = words_for_bytes(size_bytes(folder))
    return f"kept {folder} ({size}: checkpoints, exports and logs); to remove it: rm -r {folder}"
