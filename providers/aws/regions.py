"""Regions and their availability zones."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region: a table of regions.toml."""

    name: str
    zone_ids: Mapping[str, str]
    """Zone name -> id, as most accounts have it: `us-east-2a` -> `use2-az1`. Local zones come last."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the zones that are not local."""
        return tuple(zone for zone in self.zone_ids if not self.is_local(zone))

    def is_local(self, zone: str) -> bool:
        """True if a zone stands apart, as `us-east-1-dfw-2a` does. Its name is the same in every account."""
        return zone.removeprefix(self.name).startswith("-")

    def offering(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Names of the zones that a machine type's row gives: by id, or all but local ones by their common prefix."""
        given = frozenset(ids)
        return tuple(
            zone
            for zone, zone_id in self.zone_ids.items()
            if zone_id in given or (not self.is_local(zone) and zone_id.split("-")[0] in given)
        )


@cache
def regions() -> Mapping[str, Region]:
    """Every region that penstock knows, by name."""
    tables = tomllib.loads(Path(__file__).with_name("regions.toml").read_text())
    return MappingProxyType(
        {
            name: Region(name=name, zone_ids=MappingProxyType({name + zone: zone_id for zone, zone_id in row.items()}))
            for name, row in tables.items()
        }
    )
