"""Nobody from the whole internet is let in."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from policies.rule import Rule
from policies.values import UNKNOWN, at, entries, is_true

_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_EITHER_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
_GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
_SERVICE = "kubernetes:core/v1:Service"
_INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "networking.gke.io/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
"""Annotations by which a cloud keeps a Service's load balancer inside its network."""
_CLUSTER = "aws:eks/cluster:Cluster"

_WIDEST = {4: 8, 6: 16}
"""Shortest prefix of a range that somebody may own; what is wider lets in strangers."""


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The path and the range of every way in that is open to everybody."""
    if kind == _CLUSTER:
        yield from _api_server(at(inputs, "vpcConfig"))
    elif kind == _SERVICE:
        yield from _load_balancer(inputs)
    elif kind == _INGRESS_RULE:
        yield from _open(inputs, "cidrIpv4", "cidrIpv6")
    elif kind == _EITHER_RULE and at(inputs, "type") == "ingress":
        yield from _open(inputs, "cidrBlocks", "ipv6CidrBlocks")
    elif kind in _GROUPS:
        for rule in entries(inputs, "ingress"):
            yield from _open(rule, "cidrBlocks", "ipv6CidrBlocks")


def _api_server(access: Any) -> Iterator[str]:
    """EKS opens a public endpoint to everybody where no range is given, and has one unless told otherwise."""
    public = at(access, "endpointPublicAccess")
    if public is not None and not is_true(public):
        return
    if at(access, "publicAccessCidrs") is UNKNOWN:
        return
    if not entries(access, "publicAccessCidrs"):
        yield "the API server's public endpoint is open to the internet, as publicAccessCidrs is empty"
    yield from _open(access, "publicAccessCidrs")


def _load_balancer(inputs: Mapping[str, Any]) -> Iterator[str]:
    """A Service's load balancer is open to everybody where no range is given."""
    spec, ranges = at(inputs, "spec"), "loadBalancerSourceRanges"
    marks = (at(inputs, "metadata", "annotations", name) == word for name, word in _INTERNAL.items())
    if at(spec, "type") != "LoadBalancer" or at(spec, ranges) is UNKNOWN or any(marks):
        return
    if not entries(spec, ranges):
        yield f"the Service's load balancer is open to the internet, as {ranges} is empty"
    yield from _open(spec, ranges)


def _open(holder: Any, *names: str) -> Iterator[str]:
    for name in names:
        given = at(holder, name)
        for cidr in given if isinstance(given, list) else [given]:
            if isinstance(cidr, str) and _is_wide(cidr):
                yield f"{name} {cidr} lets in the internet"


def _is_wide(cidr: str) -> bool:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen < _WIDEST[network.version]


RULE = Rule(
    name="no-open-ingress",
    reason="whatever listens behind it is found and attacked within minutes",
    remedy="name the ranges that you come from, or let in another security group by its id",
    level="mandatory",
    check=check,
)
