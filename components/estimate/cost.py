"""Cost of a plan by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from components.errors import Problem
from components.plan.part import BillLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A bill added up, with all of its lines running at once."""

    usd_per_hour: Decimal
    """Of the lines with a known price."""
    most_usd_per_hour: Decimal
    """The same with every pool at its largest size."""
    prepaid: tuple[BillLine, ...]
    unknown: tuple[BillLine, ...]
    """Lines that cost something nobody here knows."""

    @property
    def usd_per_day(self) -> Decimal:
        return 24 * self.usd_per_hour


def totals(bill: Iterable[BillLine]) -> Totals:
    """The known sum, and the lines that are in no sum."""
    lines = tuple(bill)
    open_lines = [line for line in lines if line.usd_per_hour is None]
    return Totals(
        usd_per_hour=known_usd_per_hour(lines),
        most_usd_per_hour=known_usd_per_hour(
            line if line.most is None else replace(line, count=line.most) for line in lines
        ),
        prepaid=tuple(line for line in open_lines if line.prepaid),
        unknown=tuple(line for line in open_lines if not line.prepaid),
    )


def known_usd_per_hour(bill: Iterable[BillLine]) -> Decimal:
    """Dollars an hour of the lines with a known price, when all of them run at once."""
    return sum((line.usd_per_hour for line in bill if line.usd_per_hour is not None), Decimal(0))


_CENT = Decimal("0.01")


def over_budget(bill: Iterable[BillLine], budget_usd_per_hour: float | None, *, unread: bool = False) -> list[Problem]:
    """A problem where the known prices alone are over the budget: an unknown one could only add to it. `unread`: what
    is written there is no budget, so that a message says what one would be."""
    if budget_usd_per_hour is None and not unread:
        return []
    lines = [line for line in bill if line.usd_per_hour]
    total = known_usd_per_hour(lines)
    if total <= Decimal(str(budget_usd_per_hour or 0)):
        return []
    most = max(lines, key=lambda line: line.usd_per_hour or 0)
    fact = "has to be a number of dollars, and at least" if unread else f"{budget_usd_per_hour:g} is less than"
    message = (
        f"{fact} the plan's ${total.quantize(_CENT, ROUND_CEILING):,} an hour, of which ${most.usd_per_hour:,.2f} is "
        f"{most.what}; raise it, or ask for less"
    )
    return [Problem(path="cluster.budgetUsdPerHour", message=message)]
