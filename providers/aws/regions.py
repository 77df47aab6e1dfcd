"""Regions and their availability zones.

A zone has an id, the same in every account (`use2-az1`), and a name, which each account maps to an id of its own
(`us-east-2a`; EC2 User Guide, "AZ IDs"). A stack file may say either. Local zones have the same name in every account.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

LETTERS = "abcdef"
"""Of zones' names: no region has more than six zones, and none of them another letter (regions.toml)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region: a table of regions.toml."""

    name: str
    zone_ids: Mapping[str, str]
    """Zone name -> id, as most accounts have it: `us-east-2a` -> `use2-az1`. Local zones come last."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the zones that are not local, as most accounts have them."""
        return tuple(zone for zone in self.zone_ids if not self.is_local(zone))

    @property
    def ids(self) -> tuple[str, ...]:
        """Every zone as it is the same in every account: by id, and a local one by name."""
        return tuple(zone if self.is_local(zone) else zone_id for zone, zone_id in self.zone_ids.items())

    def is_local(self, zone: str) -> bool:
        """True if a zone stands apart, as `us-east-1-dfw-2a` does."""
        return zone.removeprefix(self.name).startswith("-")

    def is_name(self, zone: str) -> bool:
        """True for a name that each account maps to a zone of its own."""
        return zone.startswith(self.name) and zone.removeprefix(self.name) in tuple(LETTERS)

    def has(self, zone: str) -> bool:
        """True for what can be a zone of this region in some account."""
        return self.is_name(zone) or zone in self.zone_ids or zone in self.zone_ids.values()

    def called(self, zone: str) -> str:
        """The zone as plans call it: a local one by its name, whichever was given."""
        return next((name for name in self.zone_ids if self.is_local(name) and self.zone_ids[name] == zone), zone)

    def words(self, given: Iterable[str]) -> tuple[str, ...]:
        """Every zone in the words of those given: by name where one of them is a name, else by id."""
        names = [zone for zone in given if self.is_name(zone)]
        if not names:
            return self.ids
        local = [zone for zone in self.zone_ids if self.is_local(zone)]
        return (*self.zones, *sorted(set(names) - set(self.zone_ids)), *local)

    def id_of(self, zone: str) -> str:
        """The zone's id; empty for a name, whose id is another in each account."""
        return "" if self.is_name(zone) else self.zone_ids.get(zone, zone)

    def usual_id(self, zone: str) -> str:
        """The zone's id by the map that most accounts have: to prefer one zone, never to refuse one."""
        return self.zone_ids.get(zone, zone)

    def offering(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Zones that a machine type's row gives: by id, or all but local ones by their common prefix."""
        return tuple(zone for zone in self.ids if self._given(zone, self.zone_ids.get(zone, zone), frozenset(ids)))

    def may_offer(self, zone: str, ids: Collection[str]) -> bool:
        """False where it is known that the zone is none of a machine type's row; of a name it is known only where the
        region has none."""
        offering = self.offering(ids)
        return zone in offering or (self.is_name(zone) and not all(map(self.is_local, offering)))

    def usually_offers(self, zone: str, ids: Collection[str]) -> bool:
        """The same by the map that most accounts have: to prefer one zone, never to refuse one."""
        return self._given(zone, self.usual_id(zone), frozenset(ids))

    def _given(self, zone: str, zone_id: str, ids: Collection[str]) -> bool:
        return zone_id in ids or (not self.is_local(zone) and zone_id.split("-", maxsplit=1)[0] in ids)


def zone_of(found: Mapping[str, Any], like: str) -> str:
    """The zone of what AWS describes, by id where `like` is an id, else by the account's name."""
    by_id = re.fullmatch(r"[a-z0-9]+-az\d+", like) and found.get("AvailabilityZoneId")
    return str(by_id or found.get("AvailabilityZone", ""))


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
