"""Reach: from where pulumi runs, does the API server answer."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from rehearsal.field.deployed import ApiEndpoint, Deployment, Finding

DOCUMENTATION = tuple(ip_network(one) for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
"""RFC 5737 and RFC 3849: nobody comes from them."""


def reach(deployment: Deployment) -> Iterator[Finding]:
    """Findings of the control planes in which the stack makes something."""
    charts = any(not chart.by_cloud for chart in deployment.charts)
    if not (charts or deployment.objects):
        return
    for endpoint in deployment.endpoints:
        if reason := _unreachable(endpoint):
            yield Finding(rule="reach", subject="API server", message=reason, source=endpoint.source)


def _unreachable(endpoint: ApiEndpoint) -> str:
    if not endpoint.is_public:
        return (
            f"{endpoint.cluster} answers only inside the network that the same `up` makes, where pulumi does not run; "
            "all that is made in the cluster fails when the nodes are paid for"
        )
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
