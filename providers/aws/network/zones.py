"""The availability zones that the network spans."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from components.errors import Problem
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.aws.nodes.types import AwsNodePoolPlan

EKS_ZONES = 2
"""An EKS control plane stands in two zones or more (EKS User Guide, network requirements)."""
WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones that take no control plane, by id (same page). Nor does a local zone."""


@cache
def zones_of(region: str | None) -> Mapping[str, str]:
    """The region's zones by name, with their ids, local zones last; empty where there is no such region."""
    return {f"{region}{suffix}": zone_id for suffix, zone_id in _regions().get(region or "", {}).items()}


@cache
def _regions() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).parents[1].joinpath("regions.toml").read_text())


def control_plane_zones(zones: Sequence[str], region: str) -> tuple[str, ...]:
    """Those of the zones that an EKS control plane may stand in."""
    ids = zones_of(region)
    return tuple(zone for zone in zones if len(zone) == len(region) + 1 and ids[zone] not in WITHOUT_EKS)


def choose_zones(
    spec: StackSpec, pools: Sequence[AwsNodePoolPlan], eks: bool, problems: list[Problem]
) -> tuple[str, ...]:
    """Those of the spec, or those of the pools and as many more as a control plane asks for; in the region's order."""
    region, asked = spec.cluster.region, spec.cluster.network.zones
    there = tuple(zones_of(region))
    if region is None or not there:
        problems.append(_no_region(region))
        return ()
    if asked:
        problems += _zone_problems(asked, pools, region, eks)
        return tuple(zone for zone in there if zone in asked)
    of_pools = {zone for pool in pools for zone in pool.zones}
    good = control_plane_zones(there, region)
    missing = (EKS_ZONES if eks else 1) - len(of_pools.intersection(good))
    more = [zone for zone in good if zone not in of_pools][: max(0, missing)]
    return tuple(zone for zone in there if zone in of_pools or zone in more)


def _no_region(region: str | None) -> Problem:
    known = sorted(_regions())
    if region is None:
        return Problem(path="cluster.region", message="is missing; AWS needs one, such as us-east-2")
    hint = suggestion(region, known) or f"; there is {', '.join(known)}"
    return Problem(path="cluster.region", message=f"{region!r} is not a region of AWS{hint}")


def _zone_problems(asked: Sequence[str], pools: Sequence[AwsNodePoolPlan], region: str, eks: bool) -> list[Problem]:
    path, there = "cluster.network.zones", zones_of(region)
    known = [zone for zone in asked if zone in there]
    problems = [
        Problem(path=path, message=f"{zone!r} is not a zone of {region}; there is {', '.join(there)}")
        for zone in asked
        if zone not in there
    ]
    if repeated := sorted({zone for zone in asked if asked.count(zone) > 1}):
        problems.append(Problem(path=path, message=f"{', '.join(repeated)} is given twice; give each zone once"))
    if eks and len(good := control_plane_zones(sorted(set(known)), region)) < EKS_ZONES:
        able = ", ".join(good) or "none"
        message = f"{', '.join(asked)}: an EKS control plane stands in {EKS_ZONES} zones or more, and can in {able}"
        others = ", ".join(zone for zone in control_plane_zones(tuple(there), region) if zone not in asked)
        problems.append(Problem(path=path, message=f"{message} of these; add one of {others}, or leave zones out"))
    for pool in pools:
        if outside := [zone for zone in pool.zones if zone in there and zone not in asked]:
            message = f"leaves out {', '.join(outside)}, where pool {pool.name} stands; add it, or give the pool a zone"
            problems.append(Problem(path=path, message=message))
    return problems
