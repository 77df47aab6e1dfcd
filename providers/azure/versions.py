"""Versions of Kubernetes that clusters are made of: versions.toml."""

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
    known = ", ".join(sorted(minors()))
    message = f"{name!r} is no version that penstock makes on AKS; take {known} (before 1.35 nodes have another image)"
    return Problem(path="cluster.kubernetesVersion", message=message)


def number(version: str) -> tuple[int, ...]:
    """`1.35.2` as numbers, by which versions compare."""
    return tuple(int(part) for part in version.split("."))
