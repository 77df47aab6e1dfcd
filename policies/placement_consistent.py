"""Machines stand where their capacity is."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.machines import LAUNCH_TEMPLATE
from policies.reservation_targeted import BLOCK_MARKET
from policies.rule import Rule
from policies.values import at


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """A launch template that gives machines of a capacity block a placement group."""
    if kind != LAUNCH_TEMPLATE or not at(inputs, "placement", "groupName"):
        return
    if at(inputs, "instanceMarketOptions", "marketType") == BLOCK_MARKET:
        yield "a capacity block places its machines itself, and takes none with a placement group"


RULE = Rule(
    name="placement-consistent",
    reason="EC2 answers InsufficientInstanceCapacity for as long as the two places differ",
    remedy="leave the placement group out",
    level="mandatory",
    check=check,
)
