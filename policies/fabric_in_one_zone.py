"""Machines that share a fabric or a placement group stand in one zone."""

from collections.abc import Iterator, Sequence

from policies.clouds import pools
from policies.facts import Launch
from policies.rule import StackResource, StackRule
from policies.values import UNKNOWN


def check(resources: Sequence[StackResource]) -> Iterator[tuple[StackResource, str]]:
    """Each pool that its subnets spread over several zones, and its template binds together."""
    for group, _, launches, cloud in pools(resources):
        bound = next(filter(None, map(_bound_by, launches)), "")
        known = sorted({zone for zone in cloud.zones(group) if isinstance(zone, str)})
        if bound and len(known) > 1:
            yield group, f"its machines have {bound}, and its subnets are in {', '.join(known)}"


def _bound_by(launch: Launch) -> str:
    if launch.has_fabric:
        return "a fabric"
    return "a placement group" if launch.placement_group is UNKNOWN or launch.placement_group else ""


RULE = StackRule(
    name="fabric-in-one-zone",
    reason="a fabric does not cross zones: machines of another one cannot be had, or cannot reach the first",
    remedy="give the group the subnets of one zone",
    level="mandatory",
    check=check,
)
