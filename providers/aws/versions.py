"""Kubernetes versions of EKS, the end of each, and the add-ons that go with it: the rows of versions.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

from components.errors import Problem

_FILE = Path(__file__).with_name("versions.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesVersion:
    name: str
    standard_support_ends: datetime
    extended_support_ends: datetime
    node_release: str
    """Release of the nodes' images where the stack file gives none."""
    add_ons: Mapping[str, str]
    """The version of every add-on, by its name."""


@cache
def kubernetes_versions() -> Mapping[str, KubernetesVersion]:
    """By name, oldest first."""
    rows = tomllib.loads(_FILE.read_text())
    return {name: _version(name, row, rows["add_ons"]) for name, row in rows["kubernetes"].items()}


@cache
def default_version() -> str:
    return str(tomllib.loads(_FILE.read_text())["default"])


def node_release(asked: str | None, version: str) -> str:
    """Release of the nodes' images: the asked one, else that of the version's row; empty for a version without one."""
    known = kubernetes_versions().get(version)
    return asked or (known.node_release if known else "")


def version_problem(asked: str, now: datetime) -> Problem | None:
    """The problem of a version of which EKS makes no cluster at `now`, or that penstock does not know."""
    known = kubernetes_versions()
    offered = [name for name, version in known.items() if version.extended_support_ends > now]
    if asked in offered:
        return None
    if asked in known:
        ended = f"{known[asked].extended_support_ends:%Y-%m-%d}"
        what = f"EKS creates none since its extended support ended on {ended}"
    elif _minor(asked) < min(map(_minor, known)):
        what = "EKS no longer creates clusters of this version"
    else:
        what = "penstock has no add-on versions for it"
    remedy = f"available: {', '.join(offered)}" if offered else "so have all that this penstock knows; take a newer one"
    return Problem(path="cluster.kubernetesVersion", message=f"{asked!r}: {what}; {remedy}")


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _version(
    name: str, row: Mapping[str, str | date | Mapping[str, str]], common: Mapping[str, str]
) -> KubernetesVersion:
    own = row["add_ons"]
    assert isinstance(own, Mapping)
    return KubernetesVersion(
        name=name,
        standard_support_ends=_instant(row["standard_support_ends"]),
        extended_support_ends=_instant(row["extended_support_ends"]),
        node_release=str(row["node_release"]),
        add_ons={**common, **own},
    )


def _instant(day: object) -> datetime:
    assert isinstance(day, date)
    return datetime.combine(day, time(), UTC)
