"""What storage costs by the hour, as far as it goes by size and not by use."""

from collections.abc import Iterator
from decimal import Decimal

from components.plan.part import BillLine
from providers.aws.storage.types import LustrePlan, StoragePlan

PRICED_REGIONS = ("us-east-1", "us-east-2", "us-west-2")
SOURCE = "AWS list price of us-east-1, us-east-2 and us-west-2, recalled in 2026 and not looked up"
HOURS_A_MONTH = 730
LUSTRE_USD_PER_GIB_MONTH = {
    125: Decimal("0.145"),
    250: Decimal("0.210"),
    500: Decimal("0.340"),
    1000: Decimal("0.600"),
}
"""PERSISTENT_2 on SSD, by MB/s for each TiB."""
SCRATCH_USD_PER_GIB_MONTH = Decimal("0.140")
KEY_USD_PER_MONTH = Decimal(1)
BY_USE = "by what is stored and requested, which a plan cannot know"


def bill(plan: StoragePlan, region: str) -> tuple[BillLine, ...]:
    """File systems and keys by the hour; buckets, images and elastic file systems are unknown."""
    return tuple(_lines(plan, region))


def _lines(plan: StoragePlan, region: str) -> Iterator[BillLine]:
    known = region in PRICED_REGIONS
    if plan.file_system is not None:
        yield from _lustre(plan.file_system, known)
    for what, store in (
        ("EFS file system", plan.shared_file_system),
        ("bucket", plan.object_store),
        ("S3 Express bucket", plan.express_store),
        ("image registry", plan.registry),
    ):
        if store is not None:
            yield BillLine(what=what, count=1, unit_usd_per_hour=None, source=BY_USE)
    if not plan.empty:
        price = KEY_USD_PER_MONTH / HOURS_A_MONTH if known else None
        yield BillLine(what="encryption key", count=1, unit_usd_per_hour=price, source=_source(known))


def _lustre(lustre: LustrePlan, known: bool) -> Iterator[BillLine]:
    if lustre.capacity_gib is None:
        mbps = float(lustre.throughput_mbps or 0)
        source = "no price of this storage class is known"
        yield BillLine(what="FSx for Lustre, MB/s", count=mbps, unit_usd_per_hour=None, source=source)
    else:
        tier = lustre.throughput_mbps_per_tib
        month = SCRATCH_USD_PER_GIB_MONTH if tier is None else LUSTRE_USD_PER_GIB_MONTH[tier]
        price = month / HOURS_A_MONTH if known else None
        what = f"FSx for Lustre, GiB at {tier} MB/s per TiB" if tier else "FSx for Lustre, GiB of scratch"
        yield BillLine(what=what, count=float(lustre.capacity_gib), unit_usd_per_hour=price, source=_source(known))
    if lustre.metadata_iops is not None:
        source = "no price of provisioned metadata operations is known"
        yield BillLine(what="FSx metadata IOPS", count=lustre.metadata_iops, unit_usd_per_hour=None, source=source)


def _source(known: bool) -> str:
    return SOURCE if known else "no price of this region is known"
