"""The calendar of capacity blocks (EC2 User Guide, "Capacity Blocks for ML")."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from components.errors import Problem
from components.spec.cluster import CapacityBlock
from providers.aws.catalog import AwsMachine
from providers.aws.types import BlockCapacity, SizeChange

MOST_INSTANCES = 64
"""Of one block."""

ENDS_AT = time(11, 30)
"""UTC: every block ends then, and AWS begins to terminate instances half an hour before."""

DAYS = (*range(1, 15), *range(21, 183, 7))
"""Lengths that can be bought: to 14 days by the day, to 182 days by the week."""

DRAIN = timedelta(minutes=30)
"""Time that a node has to empty itself, as EKS advises, before instances begin to be terminated."""


def block_problems(block: CapacityBlock, path: str, now: datetime) -> Iterator[Problem]:
    """Problems of the times that the user gave."""
    end = block.ends_at.astimezone(UTC)
    if end <= now:
        message = f"the block ended at {in_utc(end)}; give a future one, or remove the pool"
        yield Problem(path=f"{path}.endsAt", message=message)
    if end.time() != ENDS_AT:
        message = f"{in_utc(end)} is not the end of a block: each ends at 11:30 UTC; copy it from the reservation"
        yield Problem(path=f"{path}.endsAt", message=message)
    if not _is_a_length(block.ends_at - block.starts_at):
        days = (block.ends_at - block.starts_at) / timedelta(days=1)
        message = (
            f"{in_utc(block.starts_at)} to {in_utc(end)} is {days:.3g} days; a block is 1 to 14 days long, or 21 to 182"
            " in steps of 7: copy both times from the reservation"
        )
        yield Problem(path=f"{path}.startsAt", message=message)


def _is_a_length(length: timedelta) -> bool:
    """A block that starts at once, and not at 11:30, is up to a day shorter or longer than what was bought."""
    whole = length // timedelta(days=1)
    return whole in DAYS or (length > timedelta(days=whole) and whole + 1 in DAYS)


def block_capacity(block: CapacityBlock, machine: AwsMachine) -> BlockCapacity:
    """The block with the moment at which its nodes are asked to go.

    Half an hour before AWS terminates them (itself half an hour before the end), or before UltraServers must be free
    (an hour before the end, by the user's own hand).
    """
    must_be_gone = timedelta(hours=1) if machine.ultra_server else timedelta(minutes=30)
    ends_at = block.ends_at.astimezone(UTC)
    return BlockCapacity(
        reservation=block.id,
        starts_at=block.starts_at.astimezone(UTC),
        drains_at=ends_at - must_be_gone - DRAIN,
        ends_at=ends_at,
    )


def nodes_now(capacity: BlockCapacity, count: int, now: datetime) -> int:
    """All of them while the block can be used, else none."""
    return count if capacity.starts_at <= now < capacity.drains_at else 0


def size_changes(capacity: BlockCapacity, count: int, now: datetime) -> tuple[SizeChange, ...]:
    """Size changes that are still to come: AWS takes no scheduled action in the past."""
    changes = (
        SizeChange(name="start", at=capacity.starts_at, nodes=count),
        SizeChange(name="drain", at=capacity.drains_at, nodes=0),
    )
    return tuple(change for change in changes if change.at > now)


def in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
