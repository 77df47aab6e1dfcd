"""Prices of a cloud: lists of its prices.toml, each with source and date."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from components.plan.part import BillLine


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """A table of prices.toml: prices of one source and one date."""

    source: str
    """Seller, region and date of the price."""
    usd_per_hour: Mapping[str, Decimal]
    regions: tuple[str, ...] = ()
    """Regions in which the prices hold; empty where they hold in all."""
    quoted_in: str = ""
    """The region in which they were quoted, where those of others may differ; empty where none does."""

    def knows(self, region: str) -> bool:
        """True if the prices hold in that region."""
        return not self.regions or region in self.regions

    def source_in(self, region: str) -> str:
        """The source as a bill of that region names it."""
        if not self.knows(region):
            return f"no price of {region} is known"
        return f"{self.source}; {region} may differ" if self.quoted_in not in ("", region) else self.source

    def line(self, name: str, what: str, region: str, count: float = 1) -> BillLine:
        """Line of what costs the price of that name."""
        price = self.usd_per_hour[name] if self.knows(region) else None
        return BillLine(what=what, count=count, unit_usd_per_hour=price, source=self.source_in(region))


@cache
def price_lists(file: Path) -> Mapping[str, PriceList]:
    """The tables of a prices.toml, by name. Prices by the month are spread over its `hours_per_month`."""
    data = tomllib.loads(file.read_text(), parse_float=Decimal)
    hours, regions = data.pop("hours_per_month"), data.pop("regions", ())
    return {name: _list(table, hours, tuple(table.get("regions", regions))) for name, table in data.items()}


def _list(table: Mapping[str, Any], hours: int, regions: tuple[str, ...]) -> PriceList:
    monthly = {name: Decimal(price) / hours for name, price in table.get("usd_per_month", {}).items()}
    return PriceList(
        source=table["source"].format(date=table["date"]),
        usd_per_hour={**table.get("usd_per_hour", {}), **monthly},
        regions=regions,
        quoted_in=table.get("quoted_in", ""),
    )
