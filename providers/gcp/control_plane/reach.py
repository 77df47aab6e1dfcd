"""Way from where pulumi and kubectl run to the API server, decided."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem
from components.plan.part import Decision
from components.spec.stack import StackSpec
from providers.gcp.settings import GkeReachSpec
from providers.gcp.types import DnsGkeReach, InsideGkeReach, PublicGkeReach, ReachPlan

PATH = "gcp.controlPlane.reach"

_MOST_CIDRS = 100
"""Authorized networks of a cluster (GKE, "Customize your network isolation", 2026-11)."""
_WIDEST_PREFIX = 8
_INSIDE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""Ranges that never reach a public address as they are."""


def reach_problems(asked: GkeReachSpec | None, spec: StackSpec) -> Iterator[Problem]:
    """Everything that leaves the API server out of reach, or opens it to anybody."""
    if asked is None:
        yield Problem(
            path=PATH,
            message="missing, and the API server answers only who can reach it; give `dnsEndpoint: {}` (from anywhere, "
            "for whom IAM lets in), `publicCidrs: [RANGE]` with the ranges you come from, or `inside: {}` where pulumi "
            "runs inside the network that cluster.network.existing names",
        )
    elif asked.public_cidrs is not None:
        yield from _public_problems(asked.public_cidrs)
    elif asked.inside is not None and spec.existing_network is None:
        yield Problem(
            path=f"{PATH}.inside",
            message="the network is made by the same `up`, so that pulumi cannot run inside it; give the one that "
            "pulumi runs in as cluster.network.existing, or choose `dnsEndpoint: {}` or `publicCidrs: [RANGE]`",
        )


def plan_reach(asked: GkeReachSpec) -> ReachPlan:
    """The way of a choice without problems."""
    if asked.public_cidrs is not None:
        return PublicGkeReach(cidrs=tuple(map(str, asked.public_cidrs)))
    return InsideGkeReach() if asked.inside is not None else DnsGkeReach()


def decided_reach(plan: ReachPlan) -> Iterator[Decision]:
    """Decisions that a choice leaves open."""
    if isinstance(plan, DnsGkeReach):
        reason = "a name of Google's with a public certificate; IAM lets in whom it gives container.clusters.connect"
        yield Decision(path=f"{PATH}.dnsEndpoint", value="the only way in", reason=reason)


def _public_problems(cidrs: tuple[IPv4Network | IPv6Network, ...]) -> Iterator[Problem]:
    path = f"{PATH}.publicCidrs"
    if len(cidrs) > _MOST_CIDRS:
        message = f"{len(cidrs)} ranges; a cluster has {_MOST_CIDRS} at most: merge some"
        yield Problem(path=path, message=message)
    for twice in sorted({str(one) for one in cidrs if cidrs.count(one) > 1}):
        yield Problem(path=path, message=f"{twice} is given more than once; give it once")
    for cidr in dict.fromkeys(cidrs):
        if wrong := _wrong(cidr):
            yield Problem(path=path, message=f"{cidr}: {wrong}")


def _wrong(cidr: IPv4Network | IPv6Network) -> str:
    if isinstance(cidr, IPv6Network):
        return "the public address is IPv4; give the IPv4 range that you come from, or dnsEndpoint"
    if cidr.prefixlen < _WIDEST_PREFIX:
        return "opens the API server to the internet; name the ranges you come from, or take dnsEndpoint"
    if any(cidr.overlaps(inside) for inside in _INSIDE):
        return "a private range, which never reaches a public address; name the public one it comes out by"
    return ""
