"""The load balancer in front of a service: who may come, and by which of the cloud's ways."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem
from components.plan.kubernetes import BalancerFacts, KubernetesFacts
from components.plan.work import EntryPlan, ServicePlan
from components.spec.inference import LoadBalancerSpec, RouteSpec

PATH = "inference.route.loadBalancer"

WIDEST_PREFIX = 8
"""A wider range is nobody's own: the largest that were ever given away are /8 (IANA, IPv4 Address Space)."""

_INSIDE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""Ranges that never come from the internet (RFC 1918, RFC 6598)."""

Range = IPv4Network | IPv6Network


def entry_problems(route: RouteSpec | None, facts: KubernetesFacts) -> Iterator[Problem]:
    """Everything about the load balancer of a route that cannot be or lets all in, whatever is behind it."""
    asked = route.load_balancer if route else None
    if asked is None:
        return
    if facts.balancers is None:
        message = (
            "penstock knows no load balancer of this cluster; remove it, or name a Gateway of yours: route.gateway"
        )
        yield Problem(path=PATH, message=message)
        return
    yield from _problems(asked, facts.balancers)


def with_entry(service: ServicePlan, facts: KubernetesFacts) -> ServicePlan:
    """The service with the load balancer that its route asks for, against which there is no problem."""
    asked = service.route.load_balancer if service.route else None
    if asked is None or facts.balancers is None:
        return service
    return replace(service, entry=_entry(asked, facts.balancers))


def entry_warnings(service: ServicePlan) -> Iterator[str]:
    """Requests that cross the internet in the clear."""
    if service.route and service.route.load_balancer and service.route.load_balancer.internet:
        yield (
            f"{PATH}.internet: requests come unencrypted, and the server asks for no key: everyone in these ranges may "
            "use it, and whoever is on the way may read; a proxy with TLS and keys belongs before it"
        )


def _entry(asked: LoadBalancerSpec, facts: BalancerFacts) -> EntryPlan:
    if asked.endpoint_group:
        return EntryPlan(
            addon="", service_class="", annotations=facts.group, source_ranges=(), is_group=True,
            selector=facts.group_selector,
        )  # fmt: skip
    ranges = _ranges(asked)
    return EntryPlan(
        addon=facts.addon,
        service_class=facts.service_class,
        annotations=facts.internet if asked.internet else facts.internal,
        source_ranges=tuple(map(str, ranges)) or facts.network,
    )


def _ranges(asked: LoadBalancerSpec) -> Sequence[Range]:
    given = asked.internet or asked.internal
    return given.source_ranges if given else ()


def _problems(asked: LoadBalancerSpec, facts: BalancerFacts) -> Iterator[Problem]:
    kind = "internet" if asked.internet else "internal"
    if asked.endpoint_group and not facts.group:
        message = "this cloud keeps no groups of endpoints; set internal, and put a balancer over regions before that"
        yield Problem(path=f"{PATH}.endpointGroup", message=message)
    if asked.internet and not facts.internet:
        message = "the network has no public subnets for it; set internal, or give the network a way in"
        yield Problem(path=f"{PATH}.internet", message=message)
    for one in _ranges(asked):
        if wrong := wrong_range(one, public=asked.internet is not None):
            yield Problem(path=f"{PATH}.{kind}.sourceRanges", message=f"{one}: {wrong}")


def wrong_range(one: Range, *, public: bool) -> str:
    """Words for why nobody may come from there; empty for a range that is right."""
    if isinstance(one, IPv6Network):
        return "the load balancer has IPv4 addresses alone; give the IPv4 range that clients come from"
    if one.prefixlen < WIDEST_PREFIX:
        return "lets everyone in, and the server asks for no key; name the ranges that clients come from"
    if public and any(one.overlaps(inside) for inside in _INSIDE):
        return "is a private range, from which nobody comes over the internet; remove it, or set internal"
    if not public and not any(one.subnet_of(inside) for inside in _INSIDE):
        return "is a public range, and the load balancer has private addresses alone; remove it, or set internet"
    return ""
