"""FSx for Lustre where it is: which deployment types a region or a local zone has."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from components.errors import Problem
from components.spec.storage import FileSystemSpec, OnDestroy

PATH = "storage.fileSystem"
SLOW_TIERS = (125, 250)
"""MB/s for each TiB where nothing faster is."""


def place_of(zone: str, region: str) -> str:
    """The region's name, or for a zone that stands apart from it (us-east-1-dfw-2a) that of its place."""
    apart = zone.removeprefix(region)
    return zone.rpartition("-")[0] if apart.startswith("-") else region


def place_problems(asked: FileSystemSpec, place: str) -> Iterator[Problem]:
    """Settings that the place does not have."""
    has = _places()
    if asked.fabric and (obstacle := efa_obstacle(place)):
        yield Problem(path=f"{PATH}.fabric", message=f"true, but {obstacle}; leave it out")
    persistent = has["full"] | has["slow"]
    if asked.scratch:
        if place not in has["full"] | has["scratch"]:
            yield _scratch_problem(place, place in persistent)
    elif place not in persistent:
        yield Problem(path=PATH, message=_none_problem(asked, place, place in has["scratch"]))
    elif place in has["slow"]:
        yield from _slow_problems(asked, place)


def efa_obstacle(place: str) -> str:
    """The reason why no file system there is reached over EFA; empty where some are."""
    return "" if place in _places()["full"] else f"FSx has no EFA in {place}"


def _scratch_problem(place: str, persistent: bool) -> Problem:
    remedy = "leave scratch out" if persistent else f"remove it, or take a region that has Lustre: {_listed()}"
    path = f"{PATH}.scratch" if persistent else PATH
    return Problem(path=path, message=f"true, but FSx has no scratch file systems in {place}; {remedy}")


def _none_problem(asked: FileSystemSpec, place: str, scratch: bool) -> str:
    told = f"FSx has no lasting file systems for Lustre (PERSISTENT_2) in {place}"
    elsewhere = f"take a region that has them: {_listed()}"
    return f"{told}; {_as_scratch(asked)}, or {elsewhere}" if scratch else f"{told}; remove it, or {elsewhere}"


def _as_scratch(asked: FileSystemSpec) -> str:
    """`scratch: true`, without what such a file system refuses."""
    given = {
        "throughputMbpsPerTib": asked.throughput_mbps_per_tib is not None,
        "metadataIops": asked.metadata_iops is not None,
        "tiering (and give capacityTib)": asked.tiering is not None,
        "onDestroy: keep": asked.on_destroy is OnDestroy.KEEP and "on_destroy" in asked.model_fields_set,
    }
    apart = [key for key, there in given.items() if there]
    return "set scratch: true" + (f" without {', '.join(apart)}" if apart else "")


def _slow_problems(asked: FileSystemSpec, place: str) -> Iterator[Problem]:
    tier = asked.throughput_mbps_per_tib
    if asked.tiering is not None:
        message = f"FSx tiers no file systems in {place}; give capacityTib in its stead"
        yield Problem(path=f"{PATH}.tiering", message=message)
    if tier is not None and tier not in SLOW_TIERS:
        message = f"{tier}, but FSx has {' and '.join(map(str, SLOW_TIERS))} alone in {place}; take one of these"
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message)


def _listed() -> str:
    return ", ".join(sorted(_places()["full"]))


@cache
def _places() -> Mapping[str, frozenset[str]]:
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    return {kind: frozenset(names) for kind, names in table.items()}
