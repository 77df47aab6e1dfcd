"""versions.toml: every add-on at the one version that its plan is made for."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A row of versions.toml."""

    name: str
    version: str
    """Of the chart; of the software where there is none."""
    app_version: str
    namespace: str
    hooks: bool
    """True if the chart has Helm hooks, which only a Release runs."""
    source: str
    read: date
    images: Mapping[str, str]
    """By value path, where an image comes from, or its tag."""
    chart: str = ""
    """Empty where it is made of manifests."""
    repository: str = ""
    min_kubernetes: str = ""
    """Empty where the chart asks none."""
    pin_images: bool = False
    keys_exact: bool = True
    free_values: tuple[str, ...] = field(default=())
    """Value paths below which the chart takes any key."""

    def kubernetes_is_enough(self, version: str) -> bool:
        return _number(version) >= _number(self.min_kubernetes)


@cache
def versions() -> Mapping[str, Version]:
    """By add-on. An unknown or missing field of a row is a TypeError."""
    rows = tomllib.loads(Path(__file__).parents[1].joinpath("versions.toml").read_text())
    return {name: _version(name, row) for name, row in rows.items()}


def _version(name: str, row: dict[str, object]) -> Version:
    free = row.pop("free_values", ())
    assert isinstance(free, (list, tuple))
    return Version(name=name, free_values=tuple(free), **row)  # type: ignore[arg-type]  # a row is what TOML says


def _number(version: str) -> tuple[int, ...]:
    """`v1.35` -> (1, 35); what follows the minor version decides nothing."""
    return tuple(int(part) for part in version.removeprefix("v").split(".")[:2]) if version else ()
