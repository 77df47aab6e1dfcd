"""The availability zones that the network spans."""

from collections.abc import Sequence

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.aws.known_names import region_problem
from providers.aws.network.settings import ExistingNetworkSpec
from providers.aws.regions import LETTERS, Region, regions
from providers.aws.types import AwsNodePoolPlan

EKS_ZONES = 2
"""An EKS control plane stands in two zones or more (EKS User Guide, network requirements)."""
WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones that take no control plane, by id (same page). Nor does a local zone."""

PATH, THERE = "cluster.network.zones", "cluster.network.existing.subnets"


def control_plane_zones(zones: Sequence[str], region: Region) -> tuple[str, ...]:
    """Those of the zones that an EKS control plane may stand in; of a name only the account knows."""
    known = [zone for zone in zones if region.has(zone) and not region.is_local(zone)]
    return tuple(zone for zone in known if region.id_of(zone) not in WITHOUT_EKS)


def given_zones(spec: StackSpec) -> tuple[tuple[str, str], ...]:
    """Zones that the stack file gives its network, each with its path."""
    there = spec.existing_network
    if isinstance(there, ExistingNetworkSpec):
        return tuple((f"{THERE}.{purpose}.{zone}", zone) for purpose, zone in there.subnets.zones())
    return tuple((PATH, zone) for zone in spec.cluster.network.zones)


def node_zones(spec: StackSpec) -> tuple[str, ...]:
    """Zones in which the stack file lets nodes stand; empty where it leaves that open."""
    there = spec.existing_network
    return tuple(there.subnets.nodes) if isinstance(there, ExistingNetworkSpec) else spec.cluster.network.zones


def choose_zones(
    spec: StackSpec, pools: Sequence[AwsNodePoolPlan], eks: bool, problems: list[Problem]
) -> tuple[str, ...]:
    """Those of the spec, or those of the pools and the first two of the region that take a control plane.

    Always the first two, though a pool in a third may make one of them dispensable: a zone that goes takes its subnets.
    """
    region, asked = regions().get(spec.cluster.region or ""), spec.cluster.network.zones
    if region is None:
        problems += [_no_region(spec.cluster.region)] if pools else []  # without pools, they have said so already
        return ()
    of_pools = [zone for pool in pools for zone in pool.zones]
    if asked:
        problems += _zone_problems(asked, pools, region, eks)
        called = [region.called(zone) for zone in asked]
        return tuple(zone for zone in region.words([*called, *of_pools]) if zone in called)
    words = region.words(of_pools)
    able = [zone for zone in words if not region.is_local(zone) and region.usual_id(zone) not in WITHOUT_EKS]
    base = able[:EKS_ZONES] if eks else ()
    return tuple(zone for zone in words if zone in of_pools or zone in base)


def no_zone(zone: str, region: Region) -> str:
    """The message about what is no zone of the region in any account."""
    names = f"by name {region.name}{LETTERS[0]} to {LETTERS[-1]}, as far as your account has them"
    return f"{zone!r} is not a zone of {region.name}; available: {', '.join(region.ids)}, or {names}"


def _no_region(region: str | None) -> Problem:
    if region is None:
        return Problem(path="cluster.region", message="is missing; AWS needs one, such as us-east-2")
    return Problem(path="cluster.region", message=region_problem(region, regions()))


def _zone_problems(asked: Sequence[str], pools: Sequence[AwsNodePoolPlan], region: Region, eks: bool) -> list[Problem]:
    if problems := [Problem(path=PATH, message=no_zone(zone, region)) for zone in asked if not region.has(zone)]:
        return problems
    called = [region.called(zone) for zone in asked]
    if repeated := sorted({zone for zone in called if called.count(zone) > 1}):
        problems.append(Problem(path=PATH, message=f"{', '.join(repeated)} is given twice; give each zone once"))
    if eks and len(good := control_plane_zones(sorted(set(called)), region)) < EKS_ZONES:
        able = ", ".join(good) or "none"
        message = f"{', '.join(asked)}: an EKS control plane needs at least {EKS_ZONES} that it supports; here {able}"
        others = ", ".join(zone for zone in control_plane_zones(region.words(called), region) if zone not in called)
        problems.append(Problem(path=PATH, message=f"{message}; add one of {others}, or leave zones out"))
    for pool in pools:
        if outside := [zone for zone in pool.zones if region.has(zone) and zone not in called]:
            message = f"leaves out {', '.join(outside)}, the zone of pool {pool.name}; add it, or give the pool a zone"
            problems.append(Problem(path=PATH, message=message))
    return problems
