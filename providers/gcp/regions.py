"""Regions and their zones: the rows of regions.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType


@cache
def regions() -> Mapping[str, tuple[str, ...]]:
    """By name of the region, its zones. Zones for accelerators alone are not among them."""
    rows = tomllib.loads(Path(__file__).with_name("regions.toml").read_text())
    return MappingProxyType({name: tuple(f"{name}-{letter}" for letter in letters) for name, letters in rows.items()})


def region_of(zone: str) -> str:
    """The region of a zone's name: `us-central1` of us-central1-a and of us-central1-ai1a."""
    return zone.rpartition("-")[0]
