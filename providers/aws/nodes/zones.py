"""Zones of pools: those that a stack file gives, and what is wrong with them whatever account it is built in."""

from collections.abc import Iterator

from components.errors import Problem
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.aws.network.zones import given_zones, no_zone, node_zones
from providers.aws.regions import Region

COMMAND = "aws ec2 describe-availability-zones"
"""Tells names and ids of an account."""


def reserved_zone(pool: NodePoolSpec) -> str | None:
    """Zone of the pool's capacity, if that is settled."""
    held = pool.capacity.reservation or pool.capacity.capacity_block
    return held.zone if held is not None else None


def zones_of(pool: NodePoolSpec) -> Iterator[tuple[str, str]]:
    """Zones that the pool names, each with its path."""
    path = f"cluster.nodePools.{pool.name}"
    kind = "reservation" if pool.capacity.reservation else "capacityBlock"
    for place, zone in ((f"{path}.zone", pool.zone), (f"{path}.capacity.{kind}.zone", reserved_zone(pool))):
        if zone is not None:
            yield place, zone


def preferred_zones(spec: StackSpec, region: Region) -> tuple[str, ...]:
    """Zones of free pools, best first: the network's, else those that another pool is bound to, then the rest."""
    if given := node_zones(spec):
        return tuple(map(region.called, given))
    bound = [region.called(zone) for pool in spec.cluster.node_pools for _, zone in zones_of(pool)]
    return tuple(dict.fromkeys([*bound, *(zone for zone in region.words(bound) if not region.is_local(zone))]))


def zone_problems(pool: NodePoolSpec, region: Region | None) -> Iterator[Problem]:
    """Zones that no account has, a reservation without one, and two that differ."""
    path, held = f"cluster.nodePools.{pool.name}", pool.capacity.reservation or pool.capacity.capacity_block
    for place, zone in zones_of(pool):
        if region is not None and not region.has(zone):
            yield Problem(path=place, message=no_zone(zone, region))
    if held is not None and held.zone is None and pool.zone is None:
        message = "is missing; a reservation is in one zone, and its machines are available only there"
        yield Problem(path=f"{path}.capacity.reservation.zone", message=message)
    if region is None or held is None or held.zone is None or pool.zone is None:
        return
    if region.called(held.zone) != region.called(pool.zone):
        message = f"{pool.zone!r} is not {held.zone}, the zone of {held.id}; remove zone, or correct one of them"
        yield Problem(path=f"{path}.zone", message=message)


def mixed_problems(spec: StackSpec, region: Region) -> Iterator[Problem]:
    """A stack that calls some zones by name and others by id: only the account knows which of them are one zone, and
    an EKS control plane or a file system in two zones must have two.
    """
    given = [*given_zones(spec), *(one for pool in spec.cluster.node_pools for one in zones_of(pool))]
    names = [(path, zone) for path, zone in given if region.is_name(zone)]
    ids = [(path, zone) for path, zone in given if zone in region.ids and not region.is_local(zone)]
    if not names or not ids:
        return
    (path, name), (there, zone_id) = names[0], ids[0]
    message = (
        f"{name!r} is a name, which each account gives to a zone of its own, and {zone_id!r} ({there}) an id; give all"
        f" zones by id, or all by name: `{COMMAND} --region {region.name}` has both"
    )
    yield Problem(path=path, message=message)
