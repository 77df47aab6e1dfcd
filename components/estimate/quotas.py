"""Quotas of a cloud's account: rows of its quotas.toml, with source and date."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.plan.part import QuotaNeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A limit that the cloud keeps for each account."""

    service: str
    code: str
    """Empty where the cloud publishes none."""
    name: str
    default: float | None
    """Value in an account that never asked for another; None where it is not published."""
    unit: str = ""

    def need(self, needed: float, reason: str) -> QuotaNeed:
        """Need of a plan for this quota."""
        return QuotaNeed(
            service=self.service,
            code=self.code,
            name=self.name,
            needed=needed,
            default=self.default,
            unit=self.unit,
            reason=reason,
        )


@cache
def quota_rows(file: Path) -> Mapping[str, Quota]:
    """The rows of a quotas.toml as `table.row`. A table says service, unit, source and date of its rows."""
    tables = tomllib.loads(file.read_text())
    return {
        f"{table}.{name}": Quota(
            service=about["service"],
            code=row["code"],
            name=row["name"],
            default=float(row["default"]) if "default" in row else None,
            unit=about.get("unit", ""),
        )
        for table, about in tables.items()
        for name, row in about["rows"].items()
    }
