"""Nobody from the whole internet is let in."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from policies.clouds import CLOUDS
from policies.facts import Ingress
from policies.rule import Rule
from policies.values import UNKNOWN, at

_SERVICE = "kubernetes:core/v1:Service"
_PROXY = "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"
"""Settings of the Service that Envoy Gateway makes for a Gateway."""
_WIDEST = {4: 8, 6: 16}
"""Shortest prefix of a range that somebody may own; what is wider lets in strangers."""


def check(kind: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """The path and the range of every way in that is open to everybody."""
    for way in _ways(kind, inputs):
        if way.open_when_empty and not way.ranges:
            yield f"{way.open_when_empty} is open to the internet, as {way.path} is empty"
        for cidr in way.ranges:
            if isinstance(cidr, str) and _is_wide(cidr):
                yield f"{way.path} {cidr} lets in the internet"


def _ways(kind: str, inputs: Mapping[str, Any]) -> Iterator[Ingress]:
    if kind == _SERVICE:
        yield from _load_balancer(at(inputs, "spec"), at(inputs, "metadata", "annotations"))
    elif kind == _PROXY:
        service = at(inputs, "spec", "provider", "kubernetes", "envoyService")
        yield from _load_balancer(service, at(service, "annotations"))
    else:
        for each in CLOUDS:
            yield from each.ingress(kind, inputs)


def _load_balancer(spec: Any, annotations: Any) -> Iterator[Ingress]:
    """A Service's load balancer is open to everybody where no range is given, unless it stays inside the network."""
    path = "loadBalancerSourceRanges"
    internal = [item for cloud in CLOUDS for item in cloud.internal_services.items()]
    ranges = at(spec, path)
    if (
        at(spec, "type") == "LoadBalancer"
        and ranges is not UNKNOWN
        and not any(at(annotations, name) == word for name, word in internal)
    ):
        yield Ingress(path=path, ranges=ranges or (), open_when_empty="the Service's load balancer")


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
