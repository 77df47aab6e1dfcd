"""penstock:local:Disk: a folder that is the stack's own."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.errors import PenstockError
from components.files import size_bytes, words_for_bytes, write_json
from components.home import expand_home
from plugin.calls import Call, InputChange, InputProblem, Properties, RefreshResult, absolute, changed, required
from plugin.local.processes import marked_below
from providers.local.volume_folder import (
    MARKER,
    NEEDED_BYTES,
    entries_of,
    occupied,
    own_folders,
    strangers,
    too_little_room,
)

MOST_NAMED = 5


def check(inputs: Properties) -> Sequence[InputProblem]:
    """The path is absolute, no folder that others live in, and the rule for its end is known."""
    problems = [*required(inputs, {"path": str, "onDestroy": str}), *absolute(inputs, "path")]
    path, rule = inputs.get("path"), inputs.get("onDestroy")
    if isinstance(path, str) and Path(path) in {Path("/"), home := expand_home("~"), *home.parents}:
        problems.append(
            InputProblem(name="path", message=f"path: {path} holds more than a volume; name a folder below it")
        )
    if isinstance(rule, str) and rule not in {"keep", "delete"}:
        problems.append(InputProblem(name="onDestroy", message=f"onDestroy: {rule!r} is neither 'keep' nor 'delete'"))
    return problems


def diff(old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:  # noqa: ARG001 (as every kind)
    """Changed inputs; and the folder itself when it is no longer there.

    Another path is no replacement: the old folder would then be deleted, with checkpoints that cannot be had back.
    """
    changes = [InputChange(name=name) for name in changed(old, new, ("path", "onDestroy"))]
    if not changes and not _marker(new["path"]).exists():
        changes.append(InputChange(name="path"))
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


def read(inputs: Properties) -> RefreshResult | None:
    """None when the folder is gone."""
    return RefreshResult(outputs={}) if _marker(inputs["path"]).exists() else None


def delete(call: Call, outputs: Properties) -> None:
    """Remove what penstock has made in the folder, or say what is kept, where, and how to remove it."""
    folder = Path(outputs["path"])
    if not _marker(folder).exists():
        call.voice.say(f"{folder} is not there, or is no longer penstock's; nothing was removed")
        return
    if running := marked_below(folder):
        pids = ", ".join(str(process.pid) for process in running)
        raise PenstockError(f"{folder}: process {pids} still works in it; nothing was removed. Stop it and try again")
    if outputs["onDestroy"] == "delete":
        _delete(call, folder)
    elif entries_of(folder) == [MARKER]:
        _remove(folder)
        call.voice.say(f"{folder} was empty and is removed")
    else:
        call.voice.say(_kept(folder))


def _delete(call: Call, folder: Path) -> None:
    """Remove the folder; what penstock has not made stays, and the folder as the volume with it."""
    foreign = strangers(folder)
    if not foreign:
        size = words_for_bytes(size_bytes(folder))
        _remove(folder)
        call.voice.say(f"deleted {folder} ({size}), as onDestroy: delete asks")
        return
    own = own_folders(folder)
    size = words_for_bytes(sum(size_bytes(path) for path in own))
    for path in own:
        _remove(path)
        _remove_if_empty(path.parent, folder)
    names = ", ".join(str(path.relative_to(folder)) for path in foreign[:MOST_NAMED])
    more = f" and {len(foreign) - MOST_NAMED} more" if foreign[MOST_NAMED:] else ""
    call.voice.warn(
        f"deleted {size} of runs and servers in {folder}, as onDestroy: delete asks; kept what penstock has not made: "
        f"{names}{more}; to remove it too: rm -r {folder}"
    )


def _marker(path: str | Path) -> Path:
    return Path(path) / MARKER


def _claim(folder: Path, owner: str) -> None:
    """Make or take over the folder; PenstockError when it is another's, not writable, or nearly full."""
    try:
        made = _make(folder)
        _require(occupied(folder, owner))
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
    """Makes the folder; true if it was not there before."""
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return not existed


def _require(problem: str) -> None:
    if problem:
        raise PenstockError(f"storage.volume.path: {problem}")


def _require_room(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".penstock-probe-"):
        _require(too_little_room(folder, NEEDED_BYTES))


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise PenstockError(
            f"{error.filename}: cannot be removed ({error.strerror}); remove {folder} by hand"
        ) from None


def _remove_if_empty(folder: Path, top: Path) -> None:
    """The folder, and those above it, as far as they hold nothing; never `top`."""
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _kept(folder: Path) -> str:
    size = words_for_bytes(size_bytes(folder))
    return f"kept {folder} ({size}: checkpoints, exports and logs); to remove it: rm -r {folder}"
