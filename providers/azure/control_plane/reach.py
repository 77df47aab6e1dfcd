"""Way from where pulumi and kubectl run to the API server, and who is let in there, decided."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from components.errors import Problem
from components.plan.part import Decision
from components.spec.stack import StackSpec
from providers.azure.settings import AksAccessSpec, AksReachSpec, AzureSpec
from providers.azure.types import Access, CertificateAccess, EntraAccess, InsideAksReach, PublicAksReach, ReachPlan

PATH, ACCESS_PATH = "azure.controlPlane.reach", "azure.controlPlane.access"

_MOST_CIDRS = 200
"""Authorized ranges of a cluster (AKS, "API server authorized IP address ranges", 2026-08)."""
_WIDEST_PREFIX = 8
_INSIDE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""Ranges that never reach a public address as they are."""


def reach_problems(asked: AksReachSpec | None, spec: StackSpec) -> Iterator[Problem]:
    """Everything that leaves the API server out of reach, or opens it to anybody."""
    if asked is None:
        yield Problem(
            path=PATH,
            message="missing, and the API server answers only who can reach it; give `publicCidrs: [RANGE]` with the "
            "ranges you come from, or `inside: {}` where pulumi runs inside the network that "
            "cluster.network.existing names",
        )
    elif asked.public_cidrs is not None:
        yield from _public_problems(asked.public_cidrs)
    elif spec.existing_network is None:
        yield Problem(
            path=f"{PATH}.inside",
            message="the network is made by the same `up`, so that pulumi cannot run inside it; give the one that "
            "pulumi runs in as cluster.network.existing, or `publicCidrs: [RANGE]`",
        )


def access_problems(settings: AzureSpec) -> Iterator[Problem]:
    """Problems of who is let in."""
    entra = settings.control_plane.access.entra
    if entra is not None and settings.tenant is None:
        message = "is missing, and Microsoft Entra lets people in by it (`az account show --query tenantId`); give it"
        yield Problem(path="azure.tenant", message=message)
    for group in sorted(
        {group for group in entra.admin_groups if entra.admin_groups.count(group) > 1} if entra else ()
    ):
        yield Problem(path=f"{ACCESS_PATH}.entra.adminGroups", message=f"{group} is given more than once; give it once")


def plan_reach(asked: AksReachSpec) -> ReachPlan:
    """The way of a choice without problems."""
    if asked.public_cidrs is not None:
        return PublicAksReach(cidrs=tuple(map(str, asked.public_cidrs)))
    return InsideAksReach()


def plan_access(asked: AksAccessSpec) -> Access:
    """The right of a choice without problems."""
    if asked.entra is None:
        return CertificateAccess()
    return EntraAccess(groups=asked.entra.admin_groups, login=asked.entra.login.value)


def decided_reach(reach: ReachPlan, access: Access, *, asked: bool) -> Iterator[Decision]:
    """Decisions that a choice leaves open. `asked`: the stack file says who is let in."""
    where = (
        "its public address answers those ranges alone" if isinstance(reach, PublicAksReach) else "no public address"
    )
    reason = f"the API server stands in a subnet of the network, by which nodes reach it; {where}"
    yield Decision(path=PATH, value="in the network", reason=reason)
    if not asked and isinstance(access, CertificateAccess):
        reason = "whoever has the stack's state may do everything; entra lets people in by groups of theirs"
        yield Decision(path=ACCESS_PATH, value="by a certificate", reason=reason)


def _public_problems(cidrs: tuple[IPv4Network | IPv6Network, ...]) -> Iterator[Problem]:
    path = f"{PATH}.publicCidrs"
    if len(cidrs) > _MOST_CIDRS:
        yield Problem(path=path, message=f"{len(cidrs)} ranges; a cluster has {_MOST_CIDRS} at most: merge some")
    for twice in sorted({str(one) for one in cidrs if cidrs.count(one) > 1}):
        yield Problem(path=path, message=f"{twice} is given more than once; give it once")
    for cidr in dict.fromkeys(cidrs):
        if wrong := _wrong(cidr):
            yield Problem(path=path, message=f"{cidr}: {wrong}")


def _wrong(cidr: IPv4Network | IPv6Network) -> str:
    if isinstance(cidr, IPv6Network):
        return "the public address is IPv4; give the IPv4 range that you come from"
    if cidr.prefixlen < _WIDEST_PREFIX:
        return "opens the API server to the internet; name the ranges you come from"
    if any(cidr.overlaps(inside) for inside in _INSIDE):
        return "a private range, which never reaches a public address; name the public one it comes out by"
    return ""
