"""Reservations and capacity blocks of pools as the account holds them, against what the stack file says of each.

Source: EC2 API Reference, CapacityReservation; EC2 User Guide, "Capacity Reservations" and "Capacity Blocks for ML".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from components.errors import Problem, Problems
from components.labels import STACK
from providers.aws.asked import asked
from providers.aws.regions import zone_of
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, GivenGroup, ReservedCapacity, is_resource_group

ClientOf = Callable[[str], Any]

_COMING = ("pending", "scheduled", "payment-pending")
_PLATFORM = "Linux/UNIX"
"""Of every image that penstock starts."""


def held_problems(
    pools: Sequence[AwsNodePoolPlan], stack: str, now: datetime, client: ClientOf, *, expires_at: datetime | None = None
) -> list[Problem]:
    """Differences between the pools' reservations and what the account answers. A question that is not answered is
    told, and stops nothing."""
    users: dict[str, list[AwsNodePoolPlan]] = {}
    for pool in pools:
        if isinstance(pool.capacity, BlockCapacity | ReservedCapacity):
            users.setdefault(pool.capacity.reservation, []).append(pool)
    problems = Problems()
    for identifier, sharing in users.items():
        path = f"cluster.nodePools.{sharing[-1].name}.capacity"
        found = problems.collect(_describe, identifier, path, client)
        if found is None:
            continue
        if not found:
            message = (
                f"{identifier!r} is not a reservation of this account in this region; copy its id from "
                "`aws ec2 describe-capacity-reservations`, and look at the profile and the region"
            )
            problems.append(Problem(path=path, message=message))
            continue
        problems += [Problem(path=path, message=f"{identifier} {what}") for what in _of_each(sharing, found, now)]
        problems += [
            Problem(path=path, message=f"{identifier} {what}", stops=False)
            for what in _ends(sharing, found, expires_at)
        ]
        if what := problems.collect(_room, identifier, path, sharing, found, stack, client):
            problems.append(Problem(path=path, message=what))
    return problems


def _describe(identifier: str, path: str, client: ClientOf) -> list[Mapping[str, Any]]:
    """The reservations behind the id or the group's ARN; none where there are none."""
    ids: list[str] | None = [identifier]
    if is_resource_group(identifier):
        request: Callable[[], Any] = partial(_members, identifier, client("resource-groups"))
        ids = asked("resource-groups:ListGroupResources", path, request, absent=("NotFound",), stops=False)
    if not ids:
        return []
    request = partial(client("ec2").describe_capacity_reservations, CapacityReservationIds=ids)
    action, absent = "ec2:DescribeCapacityReservations", ("InvalidCapacityReservation",)
    answer = asked(action, path, request, absent=absent, stops=False)
    return list(answer["CapacityReservations"]) if answer else []


def _members(group: str, groups: Any) -> list[str]:
    """Ids of a resource group's reservations."""
    pages = groups.get_paginator("list_group_resources").paginate(Group=group)
    arns = [one["Identifier"]["ResourceArn"] for page in pages for one in page.get("Resources", ())]
    return [arn.rpartition("/")[2] for arn in arns if ":capacity-reservation/" in arn]


def _of_each(sharing: Sequence[AwsNodePoolPlan], found: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """Differences of kind, machine, place and time; what two pools share is told once."""
    told: set[str] = set()
    for pool in sharing:
        for one in found:
            for what in _differences(pool, one, now):
                if what not in told:
                    told.add(what)
                    yield what


def _differences(pool: AwsNodePoolPlan, found: Mapping[str, Any], now: datetime) -> Iterator[str]:
    block = pool.capacity if isinstance(pool.capacity, BlockCapacity) else None
    yield from _kind(block, found)
    if found["State"] not in ("active", *_COMING):
        yield f"is {found['State']}; name one that is active or scheduled"
    if found["InstanceType"] != pool.machine.name:
        yield (
            f"holds {found['InstanceType']}, the pool asks for {pool.machine.name}; "
            "change machineType, or name a reservation of it"
        )
    if (platform := found.get("InstancePlatform", _PLATFORM)) != _PLATFORM:
        yield f"is for {platform}, and nodes run {_PLATFORM}; name a reservation for {_PLATFORM}"
    if (there := zone_of(found, pool.zones[0])) not in pool.zones:
        yield f"is in {there}, the pool in {', '.join(pool.zones)}; write its zone"
    yield from _group(pool, found)
    yield from _times(block, found, now)


def _kind(block: BlockCapacity | None, found: Mapping[str, Any]) -> Iterator[str]:
    is_block = found.get("ReservationType", "capacity-block" if block else "default") == "capacity-block"
    if is_block and block is None:
        yield "is a capacity block; write it as capacity.capacityBlock, with startsAt and endsAt"
    if not is_block and block is not None:
        yield "is an on-demand reservation and no capacity block; write it as capacity.reservation"


def _group(pool: AwsNodePoolPlan, found: Mapping[str, Any]) -> Iterator[str]:
    """A group and its reservation go together: machines of another group, or of none, do not use it."""
    if isinstance(pool.capacity, BlockCapacity):
        return
    there = str(found.get("PlacementGroupArn", "")).rpartition("/")[2]
    mine = pool.placement.name if isinstance(pool.placement, GivenGroup) else ""
    if there != mine:
        remedy = f"write placementGroup: {there}" if there else "leave placementGroup out"
        yield f"was made in {there or 'no placement group'}, the pool's machines are in {mine or 'none'}; {remedy}"


def _times(block: BlockCapacity | None, found: Mapping[str, Any], now: datetime) -> Iterator[str]:
    start, end = found.get("StartDate"), found.get("EndDate")
    if block is None:
        if found["State"] == "scheduled" and start is not None and start > now:
            yield f"begins at {_utc(start)}, and nodes on demand are asked for at once; run `up` from then on"
        return
    if start is not None and start != block.starts_at:
        yield f"starts at {_utc(start)}, not at {_utc(block.starts_at)}; copy startsAt from it"
    if end is not None and end != block.ends_at:
        yield f"ends at {_utc(end)}, not at {_utc(block.ends_at)}; copy endsAt from it"


def _ends(
    sharing: Sequence[AwsNodePoolPlan], found: Sequence[Mapping[str, Any]], expires_at: datetime | None
) -> Iterator[str]:
    """An on-demand reservation that ends before the stack: machines go on at list price, and a new one finds none (EC2
    User Guide, "Capacity Reservations": at the end, running instances stay)."""
    if all(isinstance(pool.capacity, BlockCapacity) for pool in sharing):
        return
    for one in found:
        end = one.get("EndDate")
        if end is not None and (expires_at is None or end < expires_at):
            until = f"before the stack expires ({_utc(expires_at)})" if expires_at else "and the stack has no end"
            told = f"ends at {_utc(end)}, {until}: a node replaced after that finds no machine"
            yield f"{told}; extend it, or end the stack"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _room(
    identifier: str,
    path: str,
    sharing: Sequence[AwsNodePoolPlan],
    found: Sequence[Mapping[str, Any]],
    stack: str,
    client: ClientOf,
) -> str:
    """A shortage of machines: of all that it holds, or of those that nobody else runs; empty where there is none."""
    wanted = sum(pool.max_count for pool in sharing)
    names = " and ".join(f"{pool.name} for {pool.max_count}" for pool in sharing)
    held = sum(one["TotalInstanceCount"] for one in found)
    if held < wanted:
        return f"{identifier} holds {held} machines, asked by {names}; lower the counts, or name a larger reservation"
    if any(one["State"] != "active" or "AvailableInstanceCount" not in one for one in found):
        return ""
    free = sum(one["AvailableInstanceCount"] for one in found)
    if free >= wanted:
        return ""
    mine = _running(found, stack, path, client("ec2"))
    if free + mine >= wanted:
        return ""
    return (
        f"{identifier} has {free} machines free of {held}, and this stack runs {mine} of them; asked by {names}: "
        "end what else runs there, or lower the counts"
    )


def _running(found: Sequence[Mapping[str, Any]], stack: str, path: str, ec2: Any) -> int:
    """Machines of this stack that run in these reservations."""
    ids = [one["CapacityReservationId"] for one in found]
    filters = [
        {"Name": "capacity-reservation-id", "Values": ids},
        {"Name": f"tag:{STACK}", "Values": [stack]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)

    def request() -> int:
        return sum(len(group["Instances"]) for page in pages for group in page["Reservations"])

    return asked("ec2:DescribeInstances", path, request, stops=False) or 0
