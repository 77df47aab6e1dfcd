"""Reservations and capacity blocks that several pools share: what a stack file says of each, held against itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.errors import Problem
from components.spec.cluster import NodePoolSpec
from providers.aws.nodes.blocks import MOST_INSTANCES, in_utc
from providers.aws.types import is_resource_group


def shared_problems(pools: Sequence[NodePoolSpec]) -> Iterator[Problem]:
    """Pools that name one reservation and say different things of it; of a group, each may hold another machine."""
    first: dict[str, NodePoolSpec] = {}
    asked: dict[str, int] = {}
    for pool in pools:
        kind, told = _told(pool)
        if not kind:
            continue
        held = told["id"]
        path = f"cluster.nodePools.{pool.name}.capacity.{kind}.id"
        other = first.setdefault(held, pool)
        asked[held] = asked.get(held, 0) + pool.most
        if other is pool:
            continue
        if differ := _difference(other, pool):
            message = f"{held!r} is one reservation, and {other.name} says {differ}; say the same in both"
            yield Problem(path=path, message=message)
        elif kind == "capacityBlock" and asked[held] - pool.most <= MOST_INSTANCES < asked[held]:
            message = (
                f"{held!r} is asked for {asked[held]} machines by the pools up to {pool.name}; a capacity block has at "
                f"most {MOST_INSTANCES}: lower a count, or name another block"
            )
            yield Problem(path=path, message=message)


def _told(pool: NodePoolSpec) -> tuple[str, Mapping[str, Any]]:
    """Key of the pool's reservation and all that the file says of it; two empty ones where it has none."""
    block, reservation = pool.capacity.capacity_block, pool.capacity.reservation
    if block is not None:
        times = {"startsAt": in_utc(block.starts_at), "endsAt": in_utc(block.ends_at)}
        return "capacityBlock", {"id": block.id, "zone": block.zone, **times}
    if reservation is not None:
        zone = reservation.zone or pool.zone
        return "reservation", {"id": reservation.id, "zone": zone, "placementGroup": reservation.placement_group}
    return "", {}


def _difference(other: NodePoolSpec, pool: NodePoolSpec) -> str:
    """A contradiction, told from the other pool's side; empty where both can be true."""
    (kind, mine), (their_kind, theirs) = _told(pool), _told(other)
    if kind != their_kind:
        return f"{their_kind}, {pool.name} {kind}"
    if other.machine_type != pool.machine_type and not is_resource_group(mine["id"]):
        return f"machineType {other.machine_type}, {pool.name} {pool.machine_type}"
    apart = [key for key in mine if mine[key] != theirs[key]]
    return ", ".join(f"{key} {theirs[key] or 'none'} where {pool.name} says {mine[key] or 'none'}" for key in apart)
