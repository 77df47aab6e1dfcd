"""The machines that a stack starts do not cost more than it is allowed to."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from policies.clouds import CLOUDS, pools
from policies.rule import StackResource, StackRule
from policies.values import UNKNOWN


def check(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, str]]:
    """The costliest group of machines, where all of them together are over the budget that the stack's tags name.

    Counted are machines with a known list price, at the size that they are asked for now: what they cost at least.
    Prepaid capacity is not counted.
    """
    budget = _budget(resources)
    costs: dict[StackResource, Decimal] = {}
    for group, pool, launches, cloud in pools(resources):
        billed = [
            each for each in launches if isinstance(each.machine_type, str) and each.is_prepaid in (False, UNKNOWN)
        ]
        prices = [facts.usd_per_hour or 0 for each in billed if (facts := cloud.machines().get(each.machine_type))]
        nodes = Decimal(0) if pool.nodes is UNKNOWN else Decimal(str(pool.nodes or 0))
        if cost := nodes * sum(prices, Decimal(0)):
            costs[group] = cost
    total = sum(costs.values(), Decimal(0))
    if budget is not None and costs and total > budget:
        costliest = max(costs, key=lambda group: costs[group])
        parts = f"${costs[costliest]:,.2f} of it {costliest.name}" if len(costs) > 1 else f"all of it {costliest.name}"
        yield costliest, f"machines for ${total:,.2f} an hour, {parts}; the budget is ${budget:,.2f}"


def _budget(resources: Sequence[StackResource]) -> Decimal | None:
    texts = {text for each in resources for cloud in CLOUDS if isinstance(text := cloud.budget(each.outputs), str)}
    return min(filter(None, map(_amount, texts)), default=None)


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


RULE = StackRule(
    name="budget-per-hour",
    reason="machines that nobody meant to start are billed until somebody notices",
    remedy="make the groups smaller, or raise cluster.budgetUsdPerHour",
    level="mandatory",
    check=check,
)
