"""Stand-in for container engines, by which penstock's own command puts images into a simulated registry before `up`.

`podman` builds nothing and remembers for which processor; what it or `skopeo` pushes is handed to the cloud's own
registry. A cloud's module that runs `main` is either program.
"""

import hashlib
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PROGRAMS = ("podman", "skopeo")
BOTH = ("amd64", "arm64")

Put = Callable[[str, Sequence[str]], str]
"""(image, processors) -> why it is refused, "" where it is there now."""


def programs_of(module: str, folder: Path) -> Mapping[str, str]:
    """The environment in which these programs are found before any that is installed; `module` is their file."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name in PROGRAMS:
        program = place / name
        line = shlex.join([sys.executable, module, str(folder), name])
        program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        program.chmod(0o700)
    return {"PATH": f"{place}{os.pathsep}{os.environ.get('PATH', '')}"}


def main(folder: str, program: str, arguments: Sequence[str], put: Put) -> int:
    verb = arguments[0]
    if verb == "login":
        return 0 if sys.stdin.read() else _fail("no password")
    if program == "skopeo":
        return _put(put, arguments[-1].removeprefix("docker://"), BOTH)
    if verb == "build":
        told = arguments[arguments.index("--platform") + 1]
        _notes(folder, arguments[arguments.index("--tag") + 1]).write_text(told)
        return 0
    if verb == "push":
        notes = _notes(folder, arguments[-1])
        if not notes.is_file():
            return _fail(f"{arguments[-1]}: image not known")
        return _put(put, arguments[-1], (notes.read_text().partition("/")[2],))
    return _fail(f"a rehearsal builds, pushes and copies only, and not: {' '.join(arguments)}")


def _put(put: Put, image: str, built: Sequence[str]) -> int:
    refused = put(image, built)
    return _fail(f"{image}: {refused}") if refused else 0


def _notes(folder: str, image: str) -> Path:
    """A file that remembers the build."""
    return Path(folder, f"image-{hashlib.sha256(image.encode()).hexdigest()[:16]}")


def _fail(what: str) -> int:
    sys.stderr.write(f"{what}\n")
    return 125
