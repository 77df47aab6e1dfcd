"""What a plan costs by the hour."""

from collections.abc import Iterable
from decimal import Decimal

from components.errors import Problem
from components.plan.types import BillLine


def known_usd_per_hour(bill: Iterable[BillLine]) -> Decimal:
    """Dollars an hour of the lines with a known price, when all of them run at once."""
    return sum((line.usd_per_hour for line in bill if line.usd_per_hour is not None), Decimal(0))


def over_budget(bill: Iterable[BillLine], budget_usd_per_hour: float | None) -> list[Problem]:
    """A problem where the known prices alone are over the budget: an unknown one could only add to it."""
    if budget_usd_per_hour is None:
        return []
    lines = [line for line in bill if line.usd_per_hour]
    total = known_usd_per_hour(lines)
    if total <= Decimal(str(budget_usd_per_hour)):
        return []
    most = max(lines, key=lambda line: line.usd_per_hour or 0)
    message = (
        f"{budget_usd_per_hour:g} is less than the plan's {total:,.2f} $ an hour, of which {most.what} is "
        f"{most.usd_per_hour:,.2f}; raise it, or ask for less"
    )
    return [Problem(path="cluster.budgetUsdPerHour", message=message)]
