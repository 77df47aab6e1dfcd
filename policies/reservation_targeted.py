"""What is paid for is what machines are started from: the reservation or capacity block, by its id."""

from collections.abc import Iterator, Mapping
from typing import Any

from policies.machines import LAUNCH_TEMPLATE, NODE_GROUP
from policies.rule import Rule
from policies.values import at

BLOCK_MARKET, BLOCK_GROUP = "capacity-block", "CAPACITY_BLOCK"


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Where a launch template or a node group means a reservation and does not name it."""
    if kind == LAUNCH_TEMPLATE:
        yield from _template(inputs)
    if kind == NODE_GROUP and at(inputs, "capacityType") == BLOCK_GROUP:
        yield from _block_group(inputs)


def _template(inputs: Mapping[str, Any]) -> Iterator[str]:
    specification = at(inputs, "capacityReservationSpecification")
    target = at(specification, "capacityReservationTarget")
    named = at(target, "capacityReservationId") or at(target, "capacityReservationResourceGroupArn")
    preference = at(specification, "capacityReservationPreference")
    if at(inputs, "instanceMarketOptions", "marketType") == BLOCK_MARKET and not named:
        yield "it buys from a capacity block and names none"
    elif specification is not None and not named and not preference:
        yield "its capacity reservation specification has no target"
    elif target is not None and not named:
        yield "the target of its capacity reservation is empty"
    if named and isinstance(preference, str) and preference != "capacity-reservations-only":
        yield f"it names a reservation and says {preference!r}, which lets machines start outside it"


def _block_group(inputs: Mapping[str, Any]) -> Iterator[str]:
    if at(inputs, "launchTemplate") is None:
        yield "a node group on a capacity block without a launch template cannot name the block"
    if at(inputs, "instanceTypes"):
        yield "a node group on a capacity block names instance types, which only its launch template may"


RULE = Rule(
    name="reservation-targeted",
    reason="a reservation that no machine is started from is paid for all the same, and the machines again",
    remedy="set market type, the id of the reservation as target, and CAPACITY_BLOCK of the node group together",
    level="mandatory",
    check=check,
)
