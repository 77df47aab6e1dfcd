"""Quotas that the pools need, and their bill from when to when."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from components.estimate.quotas import Quota
from components.labels import POOL_LABEL
from components.plan.part import BillLine, QuotaNeed
from providers.aws.tables import PRICES, QUOTAS
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, ReservedCapacity, SpotCapacity


def quotas(pools: Sequence[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """vCPUs with every pool at its largest, one entry for each of EC2's quotas.

    Machines of a reservation count as on demand, used or not; those of a capacity block do not count (EC2 User Guide).
    """
    users: dict[Quota, list[AwsNodePoolPlan]] = {}
    for pool in pools:
        if not isinstance(pool.capacity, BlockCapacity):
            market = "spot" if isinstance(pool.capacity, SpotCapacity) else "on_demand"
            users.setdefault(QUOTAS[f"{market}.{pool.machine.quota_family}"], []).append(pool)
    return tuple(
        quota.need(
            sum(pool.max_count * max(machine.cores for machine in pool.machine_types) for pool in of_quota),
            ", ".join(f"{pool.name}: {pool.max_count} x {pool.machine_names}" for pool in of_quota),
        )
        for quota, of_quota in users.items()
    )


def bill(pools: Sequence[AwsNodePoolPlan], region: str) -> tuple[BillLine, ...]:
    """The machines that each pool asks for, and their disks. Pools that grow cost more, to their largest size."""
    return tuple(line for pool in pools for line in _lines(pool, region))


def _lines(pool: AwsNodePoolPlan, region: str) -> Iterator[BillLine]:
    block = pool.capacity if isinstance(pool.capacity, BlockCapacity) else None
    most = float(pool.max_count) if block is None and pool.max_count > pool.node_count else None
    size = f" (up to {pool.max_count})" if pool.max_count > max(pool.node_count, 1) else ""
    yield BillLine(
        what=f"{pool.name}: {pool.machine_names}{size}",
        count=pool.node_count,
        unit_usd_per_hour=None if block else _dearest(pool),
        prepaid=block is not None,
        source=_source(pool, region),
        since=block.starts_at if block else None,
        until=block.ends_at if block else None,
        most=most,
    )
    yield BillLine(
        what=f"{pool.name}: root disks of {pool.root_disk_gib} GiB",
        count=pool.node_count,
        unit_usd_per_hour=_disk_usd_per_hour(pool.root_disk_gib),
        source=PRICES["disks"].source_in(region),
        since=block.starts_at if block else None,
        until=block.drains_at if block else None,
        most=most,
    )


def _dearest(pool: AwsNodePoolPlan) -> Decimal | None:
    """List price of the dearest machine that a node may be; None where one of them has none."""
    prices = [machine.usd_per_hour for machine in pool.machine_types]
    known = [price for price in prices if price is not None]
    return max(known) if len(known) == len(prices) else None


def _disk_usd_per_hour(gib: int) -> Decimal:
    return (PRICES["disks"].usd_per_hour["gib"] * gib).quantize(Decimal("0.000001"))


def _source(pool: AwsNodePoolPlan, region: str) -> str:
    if isinstance(pool.capacity, BlockCapacity):
        return "prepaid when the capacity block was bought; nothing more by the hour"
    if _dearest(pool) is None:
        return "no list price on demand is known"
    bound = "; spot machines cost less, at the market's hourly price" if isinstance(pool.capacity, SpotCapacity) else ""
    bound += "; the dearest of them" if pool.alternatives else ""
    if isinstance(pool.capacity, ReservedCapacity):
        bound = "; of the reservation, paid for whether used or not"
    if pool.labels.get(POOL_LABEL, pool.name) != pool.name:
        bound = "; none run until the pool is scaled up"
    machines = PRICES["machines"]
    return f"{machines.source}{bound}{machines.source_in(region).removeprefix(machines.source)}"
