"""Way from where pulumi and kubectl run to the API server, decided."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from components.errors import Problem
from components.plan.part import Decision
from components.spec.stack import StackSpec
from providers.aws.catalog import machines
from providers.aws.control_plane.eks.system_pool import MACHINE_TYPES
from providers.aws.control_plane.eks.types import InsideReach, PublicReach, ReachPlan, SsmHostReach
from providers.aws.nodes.plain_pool import plain_pool
from providers.aws.reach_settings import ReachSpec
from providers.aws.regions import regions
from providers.aws.types import AwsNodePoolPlan

PATH = "aws.controlPlane.reach"

HOST = "reach"
HOST_MACHINES = ("t4g.micro", "t3.micro", *MACHINE_TYPES)
"""The first that a zone has. It forwards bytes, and the smallest does that for as many people as a stack has."""
ROOT_DISK_GIB = 8
"""Of the image itself, at least (EC2, DescribeImages)."""
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default"
"""Of the newest Amazon Linux 2023, by architecture (EC2 User Guide, Reference AMIs using Systems Manager parameters).
Its agent comes with it, and needs no `ec2messages` (Systems Manager User Guide, VPC endpoints: from 3.3.40.0 on)."""

_MOST_PUBLIC_CIDRS = 40
"""EKS quota: public endpoint access CIDR ranges per cluster."""

_MOST_INSIDE_CIDRS = 50
"""Of the 60 rules of a security group ("Amazon VPC quotas", 2026) ten are left to EKS and the stack."""

_INSIDE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""Ranges that never reach a public endpoint as they are."""

_WIDEST_PUBLIC_PREFIX = 8


def reach_problems(asked: ReachSpec | None, spec: StackSpec) -> Iterator[Problem]:
    """Everything that leaves the API server out of reach, or opens it to anybody."""
    if asked is None:
        yield Problem(
            path=PATH,
            message="missing, and the API server answers only who can reach it; give `ssmHost: {}` (from anywhere with "
            "AWS credentials, by Session Manager), `publicCidrs: [RANGE]` with the ranges you come from, or "
            "`inside: {cidrs: [RANGE]}` where pulumi runs inside the network that cluster.network.existing names",
        )
    elif asked.public_cidrs is not None:
        yield from _public_problems(asked.public_cidrs)
    elif asked.inside is not None:
        yield from _inside_problems(asked.inside.cidrs, spec)


def plan_reach(asked: ReachSpec, zones: tuple[str, ...], region: str) -> ReachPlan | None:
    """The way of a choice without problems; None where none of the zones has a machine for the host."""
    if asked.public_cidrs is not None:
        return PublicReach(cidrs=tuple(map(str, asked.public_cidrs)))
    if asked.inside is not None:
        return InsideReach(cidrs=tuple(map(str, asked.inside.cidrs)))
    assert asked.ssm_host is not None, "one of the three is given"
    pool = _host(zones, region)
    return SsmHostReach(pool=pool, local_port=asked.ssm_host.local_port) if pool else None


def no_host_machine(zones: tuple[str, ...]) -> Problem:
    """Refusal of a host in zones that have no machine for it."""
    what = f"the host runs on {' or '.join(HOST_MACHINES)}, which none of {', '.join(zones)} offers"
    message = f"{what}; choose other zones (cluster.network.zones), or `publicCidrs: [RANGE]`"
    return Problem(path=f"{PATH}.ssmHost", message=message)


def decided_reach(plan: ReachPlan) -> Iterator[Decision]:
    """Decisions that a choice leaves open."""
    if isinstance(plan, SsmHostReach):
        reason = "the API server is private; Session Manager forwards a port of this machine to it, in `up` and for "
        reason += "kubectl, and the host is started anew where it fails"
        yield Decision(path=f"{PATH}.ssmHost", value=f"1 x {plan.pool.machine.name}", reason=reason)


def _host(zones: tuple[str, ...], region: str) -> AwsNodePoolPlan | None:
    """One machine in the zones that offer the first type that any of them does."""
    for name in HOST_MACHINES:
        machine = machines()[name]
        if able := tuple(zone for zone in zones if regions()[region].may_offer(zone, machine.zones)):
            pool = plain_pool(HOST, machine, able, 1, node_repair=False)
            image = f"{IMAGE_PARAMETER}-{machine.arch}"
            return replace(pool, self_managed=True, image_parameter=image, root_disk_gib=ROOT_DISK_GIB, labels={})
    return None


def _public_problems(cidrs: tuple[IPv4Network | IPv6Network, ...]) -> Iterator[Problem]:
    path = f"{PATH}.publicCidrs"
    for cidr in cidrs:
        if wrong := _not_a_public_range(ip_network(cidr)):
            yield Problem(path=path, message=f"{cidr}: {wrong}")
    if len(cidrs) > _MOST_PUBLIC_CIDRS:
        what = f"{len(cidrs)} ranges, but EKS takes at most {_MOST_PUBLIC_CIDRS}; merge neighbouring ones"
        yield Problem(path=path, message=what)


def _not_a_public_range(cidr: IPv4Network | IPv6Network) -> str:
    if isinstance(cidr, IPv6Network):
        return "the public endpoint of an IPv4 cluster takes IPv4 ranges only; give the IPv4 range you come from"
    if cidr.prefixlen < _WIDEST_PUBLIC_PREFIX:
        return "opens the API server to the internet; name the ranges you come from"
    if any(cidr.overlaps(inside) for inside in _INSIDE):
        return "a private range, which never reaches the public endpoint; name the public one it comes out by"
    return ""


def _inside_problems(cidrs: tuple[IPv4Network | IPv6Network, ...], spec: StackSpec) -> Iterator[Problem]:
    if getattr(spec.cluster.network, "existing", None) is None:
        yield Problem(
            path=f"{PATH}.inside",
            message="the network is made by the same `up`, so that pulumi cannot run inside it; give the one that "
            "pulumi runs in as cluster.network.existing, or choose `ssmHost: {}` or `publicCidrs: [RANGE]`",
        )
    for twice in sorted({str(one) for one in cidrs if cidrs.count(one) > 1}):
        yield Problem(path=f"{PATH}.inside.cidrs", message=f"{twice} is given more than once; give it once")
    if len(cidrs) > _MOST_INSIDE_CIDRS:
        what = f"{len(cidrs)} ranges, but a security group takes {_MOST_INSIDE_CIDRS} beside its own rules; merge some"
        yield Problem(path=f"{PATH}.inside.cidrs", message=what)
    for cidr in cidrs:
        if isinstance(cidr, IPv6Network):
            what = f"{cidr}: the private endpoint of an IPv4 cluster has IPv4 addresses only; give an IPv4 range"
            yield Problem(path=f"{PATH}.inside.cidrs", message=what)
        elif cidr.prefixlen < _WIDEST_PUBLIC_PREFIX:
            what = f"{cidr}: opens the API server to all that is routed to the network; name the ranges you come from"
            yield Problem(path=f"{PATH}.inside.cidrs", message=what)
