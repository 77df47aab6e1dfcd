"""Quotas that the pools need, and their bill."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from components.plan.part import BillLine, QuotaNeed
from providers.azure.catalog import prices
from providers.azure.tables import PRICES, QUOTAS
from providers.azure.types import AzureNodePoolPlan, AzureReserved, AzureSpot

_SIZES = {128: "p10", 256: "p15", 512: "p20", 1024: "p30", 2048: "p40", 4096: "p50"}
"""GiB of a Premium SSD, and its price's name."""


def quotas(pools: Sequence[AzureNodePoolPlan]) -> tuple[QuotaNeed, ...]:
    """Needs with every pool at its largest and in an upgrade: of the families, and of all of the region together."""
    return (*_families(pools), *_regional(pools))


def bill(pools: Sequence[AzureNodePoolPlan], region: str) -> tuple[BillLine, ...]:
    """The machines that each pool asks for, and their disks. Pools that grow cost more, to their largest size."""
    return tuple(line for pool in pools for line in _lines(pool, region))


def processors(pool: AzureNodePoolPlan) -> int:
    """vCPUs at its largest, in the course of an upgrade too."""
    return (pool.max_count + pool.surge) * pool.machine.cores


def _families(pools: Sequence[AzureNodePoolPlan]) -> Iterator[QuotaNeed]:
    """Spot machines count in one bucket of their own, whatever their family."""
    users: dict[str, list[AzureNodePoolPlan]] = {}
    for pool in pools:
        if not isinstance(pool.capacity, AzureSpot):
            users.setdefault(pool.machine.quota, []).append(pool)
    for name, of_family in users.items():
        yield QUOTAS[f"families.{name}"].need(sum(map(processors, of_family)), _reason(of_family))


def _regional(pools: Sequence[AzureNodePoolPlan]) -> Iterator[QuotaNeed]:
    spot = [pool for pool in pools if isinstance(pool.capacity, AzureSpot)]
    others = [pool for pool in pools if not isinstance(pool.capacity, AzureSpot)]
    if others:
        yield QUOTAS["compute.cores"].need(sum(map(processors, others)), "all of the stack's machines but spot ones")
    if spot:
        yield QUOTAS["compute.spot"].need(sum(map(processors, spot)), _reason(spot))


def _reason(pools: Sequence[AzureNodePoolPlan]) -> str:
    return ", ".join(f"{pool.name}: {pool.max_count + pool.surge} x {pool.machine.name}" for pool in pools)


def _lines(pool: AzureNodePoolPlan, region: str) -> Iterator[BillLine]:
    most = float(pool.max_count) if pool.max_count > pool.node_count else None
    size = f" (up to {pool.max_count})" if pool.max_count > max(pool.node_count, 1) else ""
    price = prices().get(pool.machine.name, {}).get(region)
    yield BillLine(
        what=f"{pool.name}: {pool.machine.name}{size}",
        count=pool.node_count,
        unit_usd_per_hour=price,
        source=_source(pool, region, price),
        most=most,
    )
    if pool.ephemeral:
        return
    disks = PRICES["disks"]
    name = next((name for gib, name in _SIZES.items() if pool.disk_gib <= gib), "")
    yield BillLine(
        what=f"{pool.name}: root disks of {pool.disk_gib} GiB (Premium SSD)",
        count=pool.node_count,
        unit_usd_per_hour=disks.usd_per_hour[name].quantize(Decimal("0.000001")) if name else None,
        source=disks.source_in(region) if name else "no price of a disk of that size is known",
        most=most,
    )


def _source(pool: AzureNodePoolPlan, region: str, price: Decimal | None) -> str:
    if price is None:
        return f"no list price on demand in {region} is known"
    match pool.capacity:
        case AzureSpot():
            bound = "; spot machines cost less"
        case AzureReserved():
            bound = "; of the reservation, paid for whether used or not"
        case _:
            bound = ""
    return f"{PRICES['machines'].source}{bound}"
