"""Decisions, quotas, bill and warnings of each part of a cluster."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One thing the user left open, and what became of it."""

    path: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaNeed:
    """A limit that an account must have before the plan can come up."""

    service: str
    code: str
    name: str
    needed: float
    unit: str
    reason: str
    default: float | None = None
    """Value in an account that never asked for another; None where it is not published."""

    @property
    def to_ask_for(self) -> bool:
        """True if an account with the default value would refuse the plan."""
        return self.default is None or self.needed > self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One thing that costs by the hour, from when to when."""

    what: str
    count: float
    unit_usd_per_hour: Decimal | None
    """None where no price is known: unknown, not nothing."""
    prepaid: bool = False
    """Paid before `up`, so that no hour adds anything; its price is None."""
    source: str
    """Seller, region and date of the price."""
    since: datetime | None = None
    """None: from `up` on."""
    until: datetime | None = None
    """None: until `destroy`."""
    most: float | None = None
    """The count at the largest size of a pool that may grow; None: it stays as it is."""

    @property
    def usd_per_hour(self) -> Decimal | None:
        return None if self.unit_usd_per_hour is None else self.unit_usd_per_hour * Decimal(str(self.count))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """One part of a cluster (nodes, network, control plane, storage, serving), as the user reads it."""

    decisions: tuple[Decision, ...] = ()
    quotas: tuple[QuotaNeed, ...] = ()
    bill: tuple[BillLine, ...] = ()
    warnings: tuple[str, ...] = ()
