"""Versions of GKE that clusters are made of: versions.toml."""

import tomllib
from functools import cache
from pathlib import Path

from components.errors import Problem


@cache
def minors() -> tuple[str, ...]:
    """Minor versions, the default first."""
    found = tomllib.loads(Path(__file__).with_name("versions.toml").read_text())
    return tuple(found["minors"])


def version_problem(name: str) -> Problem | None:
    """Problem of a version that is none of penstock's."""
    if name in minors():
        return None
    message = f"{name!r} is no version that penstock makes on GKE; take {', '.join(sorted(minors()))}"
    return Problem(path="cluster.kubernetesVersion", message=message)


def number(version: str) -> tuple[int, ...]:
    """`1.34.3-gke.1318000` as numbers, by which versions compare."""
    main, _, build = version.partition("-gke.")
    return (*map(int, main.split(".")), *((int(build),) if build else ()))


def is_enough(minor: str, least: str) -> bool:
    """True if the newest patch of that minor, which GKE makes of a minor alone, has all of `least`."""
    return number(minor)[:2] >= number(least)[:2]
