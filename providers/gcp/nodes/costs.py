"""Quotas that the pools need, and their bill."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from components.plan.part import BillLine, QuotaNeed
from providers.gcp.tables import PRICES, QUOTAS
from providers.gcp.types import GcpCalendar, GcpFlex, GcpNodePoolPlan, GcpReserved, GcpSpot

_LOCAL_SSD_GB = 375
_SSDS = ("pd-balanced", "pd-ssd")


def quotas(pools: Sequence[GcpNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """Needs with every pool at its largest. Those of a calendar reservation need none (Compute Engine, "Consumption
    options", 2026-11).
    """
    counted = [pool for pool in pools if not isinstance(pool.capacity, GcpCalendar)]
    return (*_accelerators(counted), *_processors(counted), *_disks(pools))


def bill(pools: Sequence[GcpNodePoolPlan], region: str) -> tuple[BillLine, ...]:
    """The machines that each pool asks for, and their disks. Pools that grow cost more, to their largest size."""
    return tuple(line for pool in pools for line in _lines(pool, region))


def is_preemptible(pool: GcpNodePoolPlan) -> bool:
    """True for machines that count against the quotas of preemptible ones."""
    return isinstance(pool.capacity, GcpSpot | GcpFlex)


def _accelerators(pools: Sequence[GcpNodePoolPlan]) -> Iterator[QuotaNeed]:
    """By family, and those of all regions together, which a new project has none of."""
    users: dict[str, list[GcpNodePoolPlan]] = {}
    for pool in pools:
        if pool.machine.accelerator is not None:
            market = "preemptible" if is_preemptible(pool) else "on_demand"
            users.setdefault(f"{market}.{pool.machine.quota}", []).append(pool)
    for name, of_quota in users.items():
        reason = ", ".join(f"{pool.name}: {pool.max_count} x {pool.machine.name}" for pool in of_quota)
        yield QUOTAS[name].need(sum(map(_chips, of_quota)), reason)
    gpus = [pool for pool in pools if pool.machine.accelerator is not None and not pool.machine.is_tpu]
    if gpus:
        reason = "all of the stack's NVIDIA accelerators, whatever their family"
        yield QUOTAS["compute.gpus"].need(sum(map(_chips, gpus)), reason)


def _chips(pool: GcpNodePoolPlan) -> int:
    return pool.max_count * pool.machine.accelerator_count


def _processors(pools: Sequence[GcpNodePoolPlan]) -> Iterator[QuotaNeed]:
    """vCPUs of machines without accelerators; those of the others count with their accelerators alone from A3 on, and
    with `CPUS` in a project of its first days (Compute Engine, "Allocation quotas")."""
    users: dict[str, list[GcpNodePoolPlan]] = {}
    for pool in pools:
        if pool.machine.accelerator is None:
            users.setdefault(pool.machine.quota, []).append(pool)
    for name, of_quota in users.items():
        needed = sum(pool.max_count * pool.machine.cores for pool in of_quota)
        reason = ", ".join(f"{pool.name}: {pool.max_count} x {pool.machine.name}" for pool in of_quota)
        yield QUOTAS[f"processors.{name}"].need(needed, reason)
    whole = sum(pool.max_count * pool.machine.cores for of_quota in users.values() for pool in of_quota)
    if whole:
        yield QUOTAS["compute.cpus"].need(whole, "all of the stack's machines without accelerators")


def _disks(pools: Sequence[GcpNodePoolPlan]) -> Iterator[QuotaNeed]:
    kinds = {"compute.ssd": _SSDS, "compute.disks": ("pd-standard",), "compute.hyperdisk": ("hyperdisk-balanced",)}
    for name, types in kinds.items():
        users = [pool for pool in pools if pool.boot_disk in types]
        if users:
            needed = sum(pool.max_count * pool.boot_disk_gib for pool in users)
            reason = ", ".join(f"{pool.name}: {pool.max_count} x {pool.boot_disk_gib}" for pool in users)
            yield QUOTAS[name].need(needed, f"boot disks: {reason}")
    local = sum(pool.max_count * pool.machine.local_ssds * _LOCAL_SSD_GB for pool in pools)
    if local:
        yield QUOTAS["compute.local_ssd"].need(local, "local disks that come with the machines")


def _lines(pool: GcpNodePoolPlan, region: str) -> Iterator[BillLine]:
    block = pool.capacity if isinstance(pool.capacity, GcpCalendar) else None
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
    disks = PRICES["disks"]
    unit = disks.usd_per_hour[pool.boot_disk] * pool.boot_disk_gib if disks.knows(region) else None
    yield BillLine(
        what=f"{pool.name}: boot disks of {pool.boot_disk_gib} GiB ({pool.boot_disk})",
        count=pool.node_count,
        unit_usd_per_hour=None if unit is None else unit.quantize(Decimal("0.000001")),
        source=disks.source_in(region),
        since=block.starts_at if block else None,
        until=block.ends_at if block else None,
        most=most,
    )


def _source(pool: GcpNodePoolPlan, region: str) -> str:
    if isinstance(pool.capacity, GcpCalendar):
        return "prepaid by the calendar, used or not; nothing more by the hour"
    if pool.machine.usd_per_hour is None:
        return "no list price on demand is known"
    elsewhere = "" if pool.machine.usd_region == region else f" in {pool.machine.usd_region}; {region} may differ"
    match pool.capacity:
        case GcpSpot():
            bound = "; spot machines cost less"
        case GcpFlex():
            bound = "; flex start costs less"
        case GcpReserved():
            bound = "; of the reservation, paid for whether used or not"
        case _:
            bound = ""
    return f"{PRICES['machines'].source}{elsewhere}{bound}"
