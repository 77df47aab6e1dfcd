"""Machines stand where their capacity is."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.clouds import launch_of
from policies.rule import Rule


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Machines of prepaid capacity that are given a placement group."""
    found = launch_of(kind, inputs)
    if found and found[1].placement_group and found[1].is_prepaid is True:
        yield "prepaid capacity places its machines itself, and takes none with a placement group"


RULE = Rule(
    name="placement-consistent",
    reason="the cloud has no capacity for as long as the two places differ (EC2: InsufficientInstanceCapacity)",
    remedy="leave the placement group out",
    level="mandatory",
    check=check,
)
