"""Sums of a bill, and a budget that holds."""

from decimal import Decimal

from components.estimate.cost import known_usd_per_hour, over_budget
from components.plan.part import BillLine


def line(what: str, count: float, price: str | None) -> BillLine:
    return BillLine(what=what, count=count, unit_usd_per_hour=Decimal(price) if price else None, source="list")


def test_a_line_is_count_times_price() -> None:
    assert line("nodes", 3, "0.10").usd_per_hour == Decimal("0.30")


def test_an_unknown_price_is_not_nothing() -> None:
    assert line("block", 3, None).usd_per_hour is None
    assert known_usd_per_hour([line("block", 3, None), line("nodes", 2, "1.5")]) == Decimal("3.0")


def test_a_plan_within_its_budget_is_right() -> None:
    assert over_budget([line("nodes", 2, "5")], 10) == []
    assert over_budget([line("nodes", 2, "5")], None) == []


def test_a_plan_over_its_budget_names_the_dearest_line() -> None:
    (problem,) = over_budget([line("nodes", 2, "5"), line("disk", 1, "0.5"), line("block", 1, None)], 10)
    assert problem.path == "cluster.budgetUsdPerHour"
    assert "10 is less than the plan's $10.50 an hour, of which $10.00 is nodes" in problem.message
