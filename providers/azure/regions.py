"""Regions and their zones: the rows of regions.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType


@cache
def regions() -> Mapping[str, tuple[str, ...]]:
    """By name of the region, the numbers of its zones; none where it has no zones."""
    rows = tomllib.loads(Path(__file__).with_name("regions.toml").read_text())
    return MappingProxyType({name: tuple(numbers) for name, numbers in rows.items()})
