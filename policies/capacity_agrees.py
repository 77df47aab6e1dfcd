"""A node group and its launch template mean the same capacity."""

from collections.abc import Iterator, Sequence

from policies.machines import LAUNCH_TEMPLATE, NODE_GROUP
from policies.reservation_targeted import BLOCK_GROUP, BLOCK_MARKET
from policies.rule import Resource, StackRule
from policies.values import UNKNOWN, at


def check(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Each node group that is on a capacity block while its template is not, or the other way round."""
    for group in resources:
        if group.kind != NODE_GROUP:
            continue
        wanted = at(group.outputs, "capacityType")
        for template in group.of("launchTemplate", LAUNCH_TEMPLATE):
            market = at(template.outputs, "instanceMarketOptions", "marketType")
            if UNKNOWN not in (wanted, market) and (wanted == BLOCK_GROUP) != (market == BLOCK_MARKET):
                given = wanted or "ON_DEMAND"
                yield group, f"its capacity type is {given}, and its launch template's market {market or 'on-demand'}"


RULE = StackRule(
    name="capacity-agrees",
    reason="EKS then starts machines on demand beside a block that is paid for, or none at all",
    remedy="set capacityType CAPACITY_BLOCK and the template's marketType capacity-block together, or neither",
    level="mandatory",
    check=check,
)
