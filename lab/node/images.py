"""Programs of this machine that stand for container images: the rows of images.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.node.mounts import BindMount

TABLE = Path(__file__).with_name("images.toml")
CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON = "python"
HOST = "host"


class UnknownImageError(Exception):
    """No row of images.toml stands for the image, or its program is not built: one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One row: the images that match `pattern` are this program."""

    pattern: str
    program: str
    """A name in the programs file; `python`: this checkout's Python with its packages; `host`: what /usr has."""
    path: str = ""
    """Path of the program in the image."""
    entrypoint: tuple[str, ...] = ()
    workdir: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Other things that the image runs, by their place in it: a Python file beside this one that does the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Content that a container gets of its image."""

    entrypoint: tuple[str, ...]
    workdir: str
    env: Mapping[str, str]
    mounts: tuple[BindMount, ...]


def read_images(path: Path = TABLE) -> tuple[Image, ...]:
    """The rows in the file's order: the first that matches an image stands for it."""
    rows = tomllib.loads(path.read_text())["image"]
    return tuple(Image(**row | {"entrypoint": tuple(row.get("entrypoint", ()))}) for row in rows)


def image_content(reference: str, images: Sequence[Image], programs: Mapping[str, str]) -> Content:
    """Content that stands for the image `reference`; UnknownImageError where nothing does."""
    row = next((row for row in images if re.fullmatch(row.pattern, reference)), None)
    if row is None:
        raise UnknownImageError(f"the lab has no program for image {reference!r}; its images are in {TABLE.name}")
    if row.program in (PYTHON, HOST):
        return _python(row, ()) if row.program == PYTHON else _content(row, ())
    if row.program not in programs:
        raise UnknownImageError(f"image {reference!r} is the program {row.program!r}, which this lab was not given")
    program = BindMount(source=Path(programs[row.program]), path=row.path, read_only=True)
    return _python(row, (program, *_scripts(row))) if row.scripts else _content(row, (program,))


def _scripts(row: Image) -> tuple[BindMount, ...]:
    places = row.scripts.items()
    return tuple(BindMount(source=TABLE.with_name(name), path=path, read_only=True) for path, name in places)


def _content(row: Image, mounts: tuple[BindMount, ...], path: str = DEFAULT_PATH) -> Content:
    env = {"PATH": path, "HOME": "/root"} | dict(row.env)
    return Content(entrypoint=row.entrypoint, workdir=row.workdir, env=env, mounts=mounts)


def _python(row: Image, more: tuple[BindMount, ...]) -> Content:
    """This interpreter's environment and the checkout, each where it lies on this machine, and more."""
    folders = [CHECKOUT, Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parents[1]]
    needed = [folder for folder in dict.fromkeys(folders) if not folder.is_relative_to("/usr")]
    outermost = [one for one in needed if not any(one != other and one.is_relative_to(other) for other in needed)]
    content = _content(
        row,
        (*(BindMount(source=folder, path=str(folder), read_only=True) for folder in outermost), *more),
        f"{Path(sys.executable).parent}:{DEFAULT_PATH}",
    )
    return Content(
        entrypoint=content.entrypoint, workdir=content.workdir, mounts=content.mounts,
        env=dict(content.env) | {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
