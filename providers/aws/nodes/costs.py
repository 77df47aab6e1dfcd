"""What an account must allow for the pools, and what they cost from when to when."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from components.plan.part import BillLine, QuotaNeed
from providers.aws.catalog import PRICES, QuotaFamily
from providers.aws.nodes.binding import POOL_LABEL
from providers.aws.nodes.types import AwsNodePoolPlan, BlockCapacity, ReservedCapacity, SpotCapacity

_P_ON_DEMAND = ("L-417A185B", "Running On-Demand P instances")
_ON_DEMAND = {
    QuotaFamily.P4: _P_ON_DEMAND,
    QuotaFamily.P5: _P_ON_DEMAND,
    QuotaFamily.P6: _P_ON_DEMAND,
    QuotaFamily.G: ("L-DB2E81BA", "Running On-Demand G and VT instances"),
    QuotaFamily.TRN: ("L-2C3B7624", "Running On-Demand Trn instances"),
    QuotaFamily.INF: ("L-1945791B", "Running On-Demand Inf instances"),
    QuotaFamily.STANDARD: ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"),
}
_SPOT = {
    QuotaFamily.P4: ("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests"),
    QuotaFamily.P5: ("L-C4BD4855", "All P5 Spot Instance Requests"),
    QuotaFamily.P6: ("", "spot requests for P6: AWS publishes no code; look among the account's own"),
    QuotaFamily.G: ("L-3819A6DF", "All G and VT Spot Instance Requests"),
    QuotaFamily.TRN: ("L-6B0D517C", "All Trn Spot Instance Requests"),
    QuotaFamily.INF: ("L-B5D1601B", "All Inf Spot Instance Requests"),
    QuotaFamily.STANDARD: ("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
}
"""(code, name) of EC2's quotas, as accounts' own listings have them."""
_STANDARD_DEFAULT = 5.0
"""vCPUs of standard machines, on demand and spot alike; of those with accelerators AWS grants none by default
(Service Quotas, get-aws-default-service-quota)."""

_DISK_USD_PER_GIB_MONTH = Decimal("0.08")
_HOURS_PER_MONTH = 730
_DISK_PRICE = "EBS gp3 at 0.08 USD a GiB and month of 730 hours, list price in us-east-1"


def quotas(pools: Sequence[AwsNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """vCPUs with every pool at its largest, one entry for each of EC2's quotas.

    Machines of a reservation count as on demand, used or not; those of a capacity block do not count (EC2 User Guide).
    """
    users: dict[tuple[str, str], list[AwsNodePoolPlan]] = {}
    for pool in pools:
        if not isinstance(pool.capacity, BlockCapacity):
            kinds = _SPOT if isinstance(pool.capacity, SpotCapacity) else _ON_DEMAND
            users.setdefault(kinds[pool.machine.quota_family], []).append(pool)
    return tuple(
        QuotaNeed(
            service="ec2",
            code=code,
            name=name,
            needed=sum(pool.max_count * pool.machine.cores for pool in of_quota),
            unit="vCPU",
            default=_STANDARD_DEFAULT if of_quota[0].machine.quota_family is QuotaFamily.STANDARD else 0.0,
            reason=", ".join(f"{pool.name}: {pool.max_count} x {pool.machine.name}" for pool in of_quota),
        )
        for (code, name), of_quota in users.items()
    )


def bill(pools: Sequence[AwsNodePoolPlan], region: str) -> tuple[BillLine, ...]:
    """The machines that each pool asks for, and their disks. Pools that grow cost more, to their largest size."""
    return tuple(line for pool in pools for line in _lines(pool, region))


def _lines(pool: AwsNodePoolPlan, region: str) -> Iterator[BillLine]:
    block = pool.capacity if isinstance(pool.capacity, BlockCapacity) else None
    most = float(pool.max_count) if block is None and pool.max_count > pool.node_count else None
    size = f" (up to {pool.max_count})" if pool.max_count > max(pool.node_count, 1) else ""
    yield BillLine(
        what=f"{pool.name}: {pool.machine.name}{size}",
        count=pool.node_count,
        unit_usd_per_hour=None if block else pool.machine.usd_per_hour,
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
        source=_DISK_PRICE + _elsewhere(region),
        since=block.starts_at if block else None,
        until=block.drains_at if block else None,
        most=most,
    )


def _disk_usd_per_hour(gib: int) -> Decimal:
    return (_DISK_USD_PER_GIB_MONTH * gib / _HOURS_PER_MONTH).quantize(Decimal("0.000001"))


def _source(pool: AwsNodePoolPlan, region: str) -> str:
    if isinstance(pool.capacity, BlockCapacity):
        return "prepaid when the capacity block was bought; nothing more by the hour"
    if pool.machine.usd_per_hour is None:
        return "no list price on demand is known"
    bound = "; spot machines cost less, at the market's hourly price" if isinstance(pool.capacity, SpotCapacity) else ""
    if isinstance(pool.capacity, ReservedCapacity):
        bound = "; of the reservation, paid for whether used or not"
    if pool.labels.get(POOL_LABEL, pool.name) != pool.name:
        bound = "; none run until the pool is scaled up"
    return f"{PRICES}{bound}{_elsewhere(region)}"


def _elsewhere(region: str) -> str:
    return "" if region == "us-east-1" else f"; {region} may differ"
