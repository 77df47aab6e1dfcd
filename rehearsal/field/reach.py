"""Reach: from where pulumi runs, does the API server answer."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from rehearsal.field.deployed import ApiEndpoint, BuiltResource, Deployment, Finding, at, every
from rehearsal.field.service_facts import ReachHostRow

DOCUMENTATION = tuple(ip_network(one) for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
"""RFC 5737 and RFC 3849: nobody comes from them."""
CLIENT = "pulumi:providers:kubernetes"


def reach(deployment: Deployment) -> Iterator[Finding]:
    """Findings of the control planes in which the stack makes something."""
    charts = any(not chart.by_cloud for chart in deployment.charts)
    if not (charts or deployment.objects):
        return
    for endpoint in deployment.endpoints:
        if endpoint.is_public:
            if reason := _of_ranges(endpoint):
                yield Finding(rule="reach", subject="API server", message=reason, source=endpoint.source)
        else:
            yield from _of_private(deployment, endpoint)


def _of_ranges(endpoint: ApiEndpoint) -> str:
    ranges = [ip_network(one, strict=False) for one in endpoint.open_to]
    if any(not one.is_private or _is_documentation(one) for one in ranges) and not all(map(_is_documentation, ranges)):
        return ""
    if ranges and all(map(_is_documentation, ranges)):
        return f"{endpoint.cluster} answers {_shown(endpoint)}, ranges of documentation that nobody comes from"
    return f"{endpoint.cluster} answers {_shown(endpoint)}: no range that a runner outside can come from"


def _is_documentation(network: IPv4Network | IPv6Network) -> bool:
    return any(network.version == one.version and network.subnet_of(one) for one in DOCUMENTATION)  # type: ignore[arg-type]


def _shown(endpoint: ApiEndpoint) -> str:
    return ", ".join(endpoint.open_to) or "no range"


def _of_private(deployment: Deployment, endpoint: ApiEndpoint) -> Iterator[Finding]:
    """A private endpoint is reached through a host of the stack, or from a network that was there before."""
    for row in deployment.facts.reach_hosts:
        clients = {key for one in deployment.of(CLIENT) for key in one.needs}
        through = [one for one in deployment.of(row.group) if one.key in clients]
        for host in through:
            for reason in _of_host(deployment, row, host, endpoint):
                message = f"{endpoint.cluster} is reached through {host.name}, but {reason}"
                yield Finding(rule="reach", subject="API server", message=message, source=row.source)
        if through:
            return
        if not any(deployment.of(row.network)):
            if not any(_admitted(deployment, row, row.ingress, endpoint.group, ("cidrIpv4",))):
                message = f"{endpoint.cluster} admits nobody but its nodes, though its network was there before"
                yield Finding(rule="reach", subject="API server", message=message, source=endpoint.source)
            return
    made = [one for one in deployment.of(endpoint.network) if not endpoint.within or _is(one, endpoint.within)]
    if endpoint.network and not made:
        return
    message = (
        f"{endpoint.cluster} answers only inside the network that the same `up` makes, where pulumi does not run; "
        "all that is made in the cluster fails when the nodes are paid for"
    )
    yield Finding(rule="reach", subject="API server", message=message, source=endpoint.source)


def _is(one: BuiltResource, name: str) -> bool:
    return name in (one.id, one.name, at(one.outputs, "selfLink"), at(one.inputs, "name"))


def _of_host(deployment: Deployment, row: ReachHostRow, host: BuiltResource, endpoint: ApiEndpoint) -> Iterator[str]:
    """Everything that keeps Session Manager from the host, and the host from the API server."""
    template = next((one for one in deployment.of(row.templates) if one.id == at(host.inputs, row.template)), None)
    if template is None or not int(at(host.inputs, row.least) or 0):
        yield "no machine of it runs"
        return
    groups = set(map(str, every(template.inputs, row.security_groups)))
    if not re.search(row.images, str(at(template.inputs, row.image) or "")):
        yield "its image has no agent of Session Manager"
    if not _has_right(deployment, row, str(at(template.inputs, row.profile) or "")):
        yield "its agent has no right to Systems Manager"
    if not any(_admitted(deployment, row, row.egress, groups, ("cidrIpv4", "referencedSecurityGroupId"))):
        yield "its security group lets no HTTPS out"
    if not all(_reaches_service(deployment, row, str(subnet)) for subnet in every(host.inputs, row.subnets)):
        yield f"it has no way to {' and '.join(row.services)}: neither NAT nor endpoints that admit it"
    admitted = _admitted(deployment, row, row.ingress, endpoint.group, ("referencedSecurityGroupId",))
    if not groups & set(admitted):
        yield "the cluster's security group does not admit it at 443"


def _has_right(deployment: Deployment, row: ReachHostRow, profile: str) -> bool:
    roles = {
        str(at(one.inputs, "role"))
        for one in deployment.of(row.profiles)
        if profile in (at(one.outputs, "arn"), one.id)
    }
    return any(
        str(at(one.inputs, "role")) in roles and re.search(row.policy, str(at(one.inputs, "policyArn")))
        for one in deployment.of(row.policies)
    )


def _admitted(
    deployment: Deployment, row: ReachHostRow, token: str, groups: str | set[str], sides: tuple[str, ...]
) -> Iterator[str]:
    """The other sides of rules of these groups for HTTPS."""
    ours = {groups} if isinstance(groups, str) else groups
    for one in deployment.of(token):
        first, last = (int(at(one.inputs, end) or 0) for end in ("fromPort", "toPort"))
        everything = str(at(one.inputs, "ipProtocol")) == "-1"
        if str(at(one.inputs, "securityGroupId")) in ours and (everything or first <= row.port <= last):
            yield from (str(found) for side in sides if (found := at(one.inputs, side)))


def _reaches_service(deployment: Deployment, row: ReachHostRow, subnet: str) -> bool:
    """True for a subnet whose table leads to a NAT gateway, or in a network with endpoints that admit it."""
    tables = {
        at(one.inputs, "routeTableId")
        for one in deployment.of(row.associations)
        if at(one.inputs, "subnetId") == subnet
    }
    routed = (one for one in deployment.of(row.routes) if at(one.inputs, "routeTableId") in tables)
    if any(at(one.inputs, "natGatewayId") for one in routed):
        return True
    place = next((one for one in deployment.resources if one.id == subnet), None)
    network = str(at(place.inputs, "cidrBlock")) if place else ""
    return all(_has_endpoint(deployment, row, service, network) for service in row.services)


def _has_endpoint(deployment: Deployment, row: ReachHostRow, service: str, cidr: str) -> bool:
    return any(
        str(at(one.inputs, "serviceName")).endswith(f".{service}")
        and bool(at(one.inputs, "privateDnsEnabled"))
        and _is_within(
            cidr,
            _admitted(
                deployment, row, row.ingress, set(map(str, every(one.inputs, "securityGroupIds"))), ("cidrIpv4",)
            ),
        )
        for one in deployment.of(row.endpoint)
    )


def _is_within(cidr: str, ranges: Iterable[str]) -> bool:
    return any(ip_network(cidr).subnet_of(ip_network(one)) for one in ranges)  # type: ignore[arg-type]
