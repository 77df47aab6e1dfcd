"""The file that a stack's state is kept in, mended where an engine was killed as it wrote it.

The file backend writes in place, after it has copied what was there to a file beside it (`.bak`): a kill in between
leaves half a file, which no later command can load. What the copy lacks is at most the last step's end or begin.
"""

import json
import shutil
from pathlib import Path


def mend_checkpoint(backend: Path, project: str, stack: str) -> bool:
    """Mends half a checkpoint, in whose place its last copy is put, or half a file of its attributes (`.attrs`, which
    the engine's storage library keeps beside it and does without). True if something was mended.
    """
    file = backend / ".pulumi" / "stacks" / project / f"{stack}.json"
    copy, attributes = file.with_name(f"{file.name}.bak"), file.with_name(f"{file.name}.attrs")
    mended = False
    if attributes.is_file() and not _is_whole(attributes):
        attributes.unlink()
        mended = True
    if file.is_file() and not _is_whole(file) and _is_whole(copy):
        shutil.copyfile(copy, file)
        mended = True
    return mended


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
