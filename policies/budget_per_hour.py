"""The machines that a stack starts do not cost more than it is allowed to."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from policies.machines import AUTO_SCALING_GROUP, LAUNCH_TEMPLATE, NODE_GROUP, machine_types
from policies.reservation_targeted import BLOCK_MARKET
from policies.rule import Resource, StackRule
from policies.values import UNKNOWN, at

TAG = "penstock:budget-usd-per-hour"
_SIZE = {NODE_GROUP: ("scalingConfig", "desiredSize"), AUTO_SCALING_GROUP: ("desiredCapacity",)}


def check(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """The costliest group of machines, where all of them together are over the budget that the stack's tags name.

    Counted are machines with a known list price, at the size that they are asked for now: what they cost at least. A
    capacity block is paid for in advance, and is not counted.
    """
    budget = _budget(resources)
    costs = {group: cost for group in resources if (cost := _usd_per_hour(group))}
    total = sum(costs.values(), Decimal(0))
    if budget is not None and costs and total > budget:
        costliest = max(costs, key=lambda group: costs[group])
        parts = f"${costs[costliest]:,.2f} of it {costliest.name}" if len(costs) > 1 else f"all of it {costliest.name}"
        yield costliest, f"machines for ${total:,.2f} an hour, {parts}; the budget is ${budget:,.2f}"


def _budget(resources: Sequence[Resource]) -> Decimal | None:
    texts = {text for each in resources if isinstance(text := at(each.outputs, "tags", TAG), str)}
    return min(filter(None, map(_amount, texts)), default=None)


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _usd_per_hour(group: Resource) -> Decimal:
    size = at(group.outputs, *_SIZE[group.kind]) if group.kind in _SIZE else None
    if not size or size is UNKNOWN:
        return Decimal(0)
    return sum((Decimal(str(size)) * _price(each) for each in group.of("launchTemplate", LAUNCH_TEMPLATE)), Decimal(0))


def _price(template: Resource) -> Decimal:
    name = at(template.outputs, "instanceType")
    if not isinstance(name, str) or at(template.outputs, "instanceMarketOptions", "marketType") == BLOCK_MARKET:
        return Decimal(0)
    return Decimal(str(machine_types().get(name, {}).get("usd_per_hour", 0)))


RULE = StackRule(
    name="budget-per-hour",
    reason="machines started by mistake are billed until somebody notices",
    remedy="make the groups smaller, or raise cluster.budgetUsdPerHour",
    level="mandatory",
    check=check,
)
