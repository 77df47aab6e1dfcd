"""The fabric of a pool may talk to itself, in both directions, by the group's own id."""

from collections.abc import Iterator, Sequence

from policies.machines import FABRIC_INTERFACES, LAUNCH_TEMPLATE
from policies.rule import Resource, StackRule
from policies.values import UNKNOWN, at, entries

SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def check(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Each launch template with a fabric, none of whose groups lets itself in and out.

    A template whose groups all come from elsewhere is passed over: their rules cannot be seen here.
    """
    ways_in, ways_out = _to_themselves(resources, INGRESS), _to_themselves(resources, EGRESS)
    for template in resources:
        if template.kind != LAUNCH_TEMPLATE or not _has_fabric(template):
            continue
        groups = {group.urn for group in template.of("networkInterfaces", SECURITY_GROUP)}
        if groups and not groups & ways_in & ways_out:
            missing = (
                " and ".join(way for way, able in (("in", ways_in), ("out", ways_out)) if not groups & able)
                or "in and out of the same group"
            )
            yield template, f"no security group of its fabric lets all traffic of its own {missing}"


def _has_fabric(template: Resource) -> bool:
    interfaces = entries(template.outputs, "networkInterfaces")
    return any(at(each, "interfaceType") in FABRIC_INTERFACES for each in interfaces)


def _to_themselves(resources: Sequence[Resource], kind: str) -> set[str]:
    """Groups with a rule for every protocol that names the group itself. EFA heeds no rule that names a range."""
    found = set()
    for rule in resources:
        if rule.kind == kind and at(rule.outputs, "ipProtocol") in ("-1", UNKNOWN):
            owners = {group.urn for group in rule.of("securityGroupId", SECURITY_GROUP)}
            found |= owners & {group.urn for group in rule.of("referencedSecurityGroupId", SECURITY_GROUP)}
    return found


RULE = StackRule(
    name="fabric-security",
    reason="EFA does not come up where the group's own traffic is kept in or out, whatever ranges are allowed",
    remedy="give the group an ingress and an egress rule for protocol -1 whose referencedSecurityGroupId is its own id",
    level="mandatory",
    check=check,
)
