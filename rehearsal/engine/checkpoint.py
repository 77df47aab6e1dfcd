"""The file that a stack's state is kept in, mended where an engine was killed as it wrote it.

The file backend writes in place, after it has copied what was there to a file beside it (`.bak`): a kill in between
leaves half a file, which no later command can load. What the copy lacks is at most the last step's end or begin.
"""

import json
import shutil
from pathlib import Path


def mend_checkpoint(backend: Path, project: str, stack: str) -> bool:
    """Whether the stack's file was no JSON, and its last copy has been put in its place."""
    file = backend / ".pulumi" / "stacks" / project / f"{stack}.json"
    copy = file.with_name(f"{file.name}.bak")
    if not file.is_file() or _is_whole(file) or not _is_whole(copy):
        return False
    shutil.copyfile(copy, file)
    return True


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
