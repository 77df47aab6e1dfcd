"""Least bandwidth that a fabric must reach, by machine type, with the source of each figure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Bus bandwidth of an all-reduce over several nodes, 1 GiB messages and larger."""

    floor_gbps: float
    """Gigabytes per second; 0 where none is known."""
    source: str


UNKNOWN = Floor(floor_gbps=0.0, source="none is published for this machine type")


def floor_of(machine_type: str) -> Floor:
    """The floor of that machine type, or UNKNOWN."""
    return _floors().get(machine_type, UNKNOWN)


@cache
def _floors() -> Mapping[str, Floor]:
    """The rows of floors.toml. An unknown or missing field of a row is a TypeError."""
    rows = tomllib.loads(Path(__file__).with_name("floors.toml").read_text())
    return {name: Floor(**row) for name, row in rows.items()}
