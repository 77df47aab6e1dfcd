"""Zones of a stack in the account: which there are, and which machines they offer.

Sources: EC2 API Reference, DescribeAvailabilityZones (names and ids) and DescribeInstanceTypeOfferings.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from components.errors import Problem, Problems
from providers.aws.asked import asked
from providers.aws.control_plane.eks.types import EksPlan, SsmHostReach
from providers.aws.control_plane.pcs.plan import PcsPlan
from providers.aws.network.zones import PATH as ZONES
from providers.aws.network.zones import THERE, WITHOUT_EKS
from providers.aws.plan import AwsPlan
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, ReservedCapacity

PATH = "cluster.network"


def zone_problems(plan: AwsPlan, ec2: Any) -> list[Problem]:
    """Zones that the account does not have, and pools in zones that do not offer their machine, each with those that
    do. A question that is not answered is told, and stops nothing.
    """
    problems = Problems()
    ids = problems.collect(_zone_ids, ec2)
    if ids is None:
        return problems
    problems += _missing(plan, ids)
    offers = problems.collect(_offers, plan, ec2)
    for pool in _pools(plan) if offers is not None else ():
        problems += _not_offered(plan, pool, ids, (offers or {}).get(pool.machine.name, ()))
    if isinstance(plan.control_plane, EksPlan):
        problems += _without_eks(plan, plan.control_plane, ids)
    return problems


def _zone_ids(ec2: Any) -> dict[str, str]:
    """Name -> id of each zone that the account may use."""
    found = asked("ec2:DescribeAvailabilityZones", PATH, ec2.describe_availability_zones, stops=False)
    return {one["ZoneName"]: one["ZoneId"] for one in (found or {}).get("AvailabilityZones", ())}


def _offers(plan: AwsPlan, ec2: Any) -> Mapping[str, tuple[str, ...]]:
    """Ids of the zones that offer each machine type of the plan."""
    types = sorted({pool.machine.name for pool in _pools(plan)})
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone-id", Filters=[{"Name": "instance-type", "Values": types}]
    )
    request = partial(_all_offers, pages)
    found = asked("ec2:DescribeInstanceTypeOfferings", "cluster.nodePools", request, stops=False) or ()
    return {name: tuple(sorted(zone for kind, zone in found if kind == name)) for name in types}


def _all_offers(pages: Any) -> list[tuple[str, str]]:
    return [(one["InstanceType"], one["Location"]) for page in pages for one in page["InstanceTypeOfferings"]]


def _pools(plan: AwsPlan) -> tuple[AwsNodePoolPlan, ...]:
    """Those whose machines are free ones, of a pool and its fallback the pool; a reservation tells its zone itself."""
    control = plan.control_plane
    own = [control.system_pool] if isinstance(control, EksPlan) else []
    own += [control.reach.pool] if isinstance(control, EksPlan) and isinstance(control.reach, SsmHostReach) else []
    own += [control.login.pool] if isinstance(control, PcsPlan) else []
    free = [pool for pool in plan.node_pools if not isinstance(pool.capacity, BlockCapacity | ReservedCapacity)]
    return (*own, *{(pool.machine.name, pool.zones): pool for pool in reversed(free)}.values())


def _missing(plan: AwsPlan, ids: Mapping[str, str]) -> Iterator[Problem]:
    lacking = [zone for zone in plan.network.zones if zone not in ids and zone not in ids.values()]
    if lacking:
        listed = ", ".join(f"{name} ({zone_id})" for name, zone_id in sorted(ids.items()))
        what = f"{', '.join(lacking)}: no zone that this account may use (a local one is opted in to first)"
        yield Problem(path=_path(plan), message=f"{what}; give pools and network some of these: {listed}")


def _not_offered(
    plan: AwsPlan, pool: AwsNodePoolPlan, ids: Mapping[str, str], offered: tuple[str, ...]
) -> Iterator[Problem]:
    known = [zone for zone in pool.zones if zone in ids or zone in ids.values()]
    if lacking := [zone for zone in known if ids.get(zone, zone) not in offered]:
        names = {zone_id: name for name, zone_id in ids.items()}
        listed = ", ".join(f"{zone} ({names[zone]})" for zone in offered if zone in names)
        own = pool.name in {one.name for one in plan.node_pools}
        key = "zone" if own else "zones with"
        remedy = f"give {key} one of {listed}" if listed else "take another machine type or region"
        message = f"{pool.machine.name} of {pool.name} is not offered in {', '.join(lacking)} of this account; {remedy}"
        yield Problem(path=f"cluster.nodePools.{pool.name}.zone" if own else _path(plan), message=message)


def _without_eks(plan: AwsPlan, control: EksPlan, ids: Mapping[str, str]) -> Iterator[Problem]:
    """Zones by name that turn out to take no control plane; those by id the plan leaves out itself."""
    standing = {subnet.zone for subnet in plan.network.subnets if subnet.name in control.subnets}
    for zone in sorted(standing):
        if ids.get(zone) in WITHOUT_EKS:
            message = f"{zone} is {ids[zone]} in this account, where EKS puts no control plane; give all zones by id"
            yield Problem(path=_path(plan), message=message)


def _path(plan: AwsPlan) -> str:
    return THERE if plan.network.existing else ZONES
