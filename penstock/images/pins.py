"""Digests of pushed images, written into the stack file, from where every later `up` takes them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.engine_yaml import YamlError, read_yaml

KEY = "penstock:images"
_LINE = re.compile(rf"^(?P<indent>[ \t]+){KEY}:[^\n]*$", re.MULTILINE)
_CONFIG = re.compile(r"^config:[ \t]*(?:#[^\n]*)?\n(?P<indent>[ \t]+)", re.MULTILINE)


def pin_line(digests: Mapping[str, str]) -> str:
    """The line of a stack file, without its indentation."""
    pairs = ", ".join(f"{tag}: {digest}" for tag, digest in sorted(digests.items()))
    return f"{KEY}: {{digests: {{{pairs}}}}}"


def pin(file: Path, digests: Mapping[str, str]) -> bool:
    """Writes the line into the file, in place of the one that is there, and changes nothing else. False where it stands
    there already in another form, which is left as it is.
    """
    text = file.read_text(encoding="utf-8")
    line = pin_line(digests)
    if found := _LINE.search(text):
        changed = text[: found.start()] + found["indent"] + line + text[found.end() :]
    elif found := _CONFIG.search(text):
        changed = text[: found.start("indent")] + found["indent"] + line + "\n" + text[found.start("indent") :]
    else:
        return False
    if not _differs_by(text, changed, digests):
        return False
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(changed, encoding="utf-8")
    beside.chmod(file.stat().st_mode)
    beside.replace(file)
    return True


def _differs_by(old: str, new: str, digests: Mapping[str, str]) -> bool:
    """True if the new text says what the old one said, and the digests."""
    try:
        before, after = _data(old), _data(new)
    except YamlError:
        return False
    config = {**before.get("config", {}), KEY: {"digests": dict(digests)}}
    return after == {**before, "config": config}


def _data(text: str) -> dict[str, Any]:
    found = read_yaml(text.encode()).data
    return found if isinstance(found, dict) else {}
