"""Machines that share a fabric or a placement group stand in one zone."""

from collections.abc import Iterator, Sequence

from policies.machines import AUTO_SCALING_GROUP, FABRIC_INTERFACES, LAUNCH_TEMPLATE, NODE_GROUP
from policies.rule import Resource, StackRule
from policies.values import UNKNOWN, at, entries

SUBNET = "aws:ec2/subnet:Subnet"
_SUBNETS_OF = {NODE_GROUP: "subnetIds", AUTO_SCALING_GROUP: "vpcZoneIdentifiers"}


def check(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Each group of machines that its subnets spread over several zones, and its template binds together."""
    for group in resources:
        if group.kind not in _SUBNETS_OF:
            continue
        bound = next(filter(None, map(_bound_by, group.of("launchTemplate", LAUNCH_TEMPLATE))), "")
        zones = {at(subnet.outputs, "availabilityZone") for subnet in group.of(_SUBNETS_OF[group.kind], SUBNET)}
        known = sorted(zone for zone in zones if isinstance(zone, str))
        if bound and len(known) > 1:
            yield group, f"its machines have {bound}, and its subnets are in {', '.join(known)}"


def _bound_by(template: Resource) -> str:
    interfaces = entries(template.outputs, "networkInterfaces")
    if any(at(each, "interfaceType") in FABRIC_INTERFACES for each in interfaces):
        return "a fabric"
    group = at(template.outputs, "placement", "groupName")
    return "a placement group" if group is UNKNOWN or group else ""


RULE = StackRule(
    name="fabric-in-one-zone",
    reason="a fabric does not cross zones: machines of another one cannot be had, or cannot reach the first",
    remedy="give the group the subnets of one zone",
    level="mandatory",
    check=check,
)
