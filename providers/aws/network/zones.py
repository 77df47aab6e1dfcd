"""The availability zones that the network spans."""

from collections.abc import Sequence

from components.errors import Problem
from components.spec.stack import StackSpec
from providers.aws.known_names import region_problem
from providers.aws.regions import Region, regions
from providers.aws.types import AwsNodePoolPlan

EKS_ZONES = 2
"""An EKS control plane stands in two zones or more (EKS User Guide, network requirements)."""
WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones that take no control plane, by id (same page). Nor does a local zone."""


def control_plane_zones(zones: Sequence[str], region: Region) -> tuple[str, ...]:
    """Those of the zones that an EKS control plane may stand in."""
    return tuple(zone for zone in zones if zone in region.zones and region.zone_ids[zone] not in WITHOUT_EKS)


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
    if asked:
        problems += _zone_problems(asked, pools, region, eks)
        return tuple(zone for zone in region.zone_ids if zone in asked)
    of_pools = {zone for pool in pools for zone in pool.zones}
    base = control_plane_zones(region.zones, region)[:EKS_ZONES] if eks else ()
    return tuple(zone for zone in region.zone_ids if zone in of_pools or zone in base)


def _no_region(region: str | None) -> Problem:
    if region is None:
        return Problem(path="cluster.region", message="is missing; AWS needs one, such as us-east-2")
    return Problem(path="cluster.region", message=region_problem(region, regions()))


def _zone_problems(asked: Sequence[str], pools: Sequence[AwsNodePoolPlan], region: Region, eks: bool) -> list[Problem]:
    path, there = "cluster.network.zones", region.zone_ids
    known = [zone for zone in asked if zone in there]
    problems = [
        Problem(path=path, message=f"{zone!r} is not a zone of {region.name}; available: {', '.join(there)}")
        for zone in asked
        if zone not in there
    ]
    if repeated := sorted({zone for zone in asked if asked.count(zone) > 1}):
        problems.append(Problem(path=path, message=f"{', '.join(repeated)} is given twice; give each zone once"))
    if eks and len(good := control_plane_zones(sorted(set(known)), region)) < EKS_ZONES:
        able = ", ".join(good) or "none"
        message = f"{', '.join(asked)}: an EKS control plane needs at least {EKS_ZONES} that it supports; here {able}"
        others = ", ".join(zone for zone in control_plane_zones(region.zones, region) if zone not in asked)
        problems.append(Problem(path=path, message=f"{message}; add one of {others}, or leave zones out"))
    for pool in pools:
        if outside := [zone for zone in pool.zones if zone in there and zone not in asked]:
            message = f"leaves out {', '.join(outside)}, the zone of pool {pool.name}; add it, or give the pool a zone"
            problems.append(Problem(path=path, message=message))
    return problems
