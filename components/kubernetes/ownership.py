"""Owners of concerns on a Kubernetes cluster: rows of a cloud's ownership.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.plan.kubernetes import Concern, Owner, Ownership


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipRow:
    """Software that does one thing wherever the key of its table is true."""

    by: str
    reason: str
    """May have `{where}` in it: the evidence that the reader has found."""

    def owned(self, owner: Owner, where: str = "") -> Ownership:
        return Ownership(owner=owner, by=self.by, reason=self.reason.format(where=where))


OwnershipTable = Mapping[str, Mapping[Concern, OwnershipRow]]
"""By key (an image variant, an add-on, a pattern), what is done there."""


@cache
def ownership_tables(file: Path) -> Mapping[str, OwnershipTable]:
    """The tables of an ownership.toml. `reason` of a table holds for rows without one."""
    return {
        name: {
            key: {
                Concern(concern): OwnershipRow(by=row["by"], reason=row.get("reason") or table["reason"])
                for concern, row in rows.items()
            }
            for key, rows in table.items()
            if key != "reason"
        }
        for name, table in tomllib.loads(file.read_text()).items()
    }
