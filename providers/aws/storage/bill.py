"""Bill of storage by the hour, as far as it goes by size and not by use."""

from collections.abc import Iterator

from components.plan.part import BillLine
from providers.aws.storage.types import LustrePlan, StoragePlan
from providers.aws.tables import PRICES

BY_USE = "by what is stored and requested, which a plan cannot know"


def bill(plan: StoragePlan, region: str) -> tuple[BillLine, ...]:
    """File systems and keys by the hour; buckets, images and elastic file systems are unknown."""
    return tuple(_lines(plan, region))


def _lines(plan: StoragePlan, region: str) -> Iterator[BillLine]:
    if plan.file_system is not None:
        yield from _lustre(plan.file_system, region)
    for what, store in (
        ("EFS file system", plan.shared_file_system),
        ("bucket", plan.object_store),
        ("S3 Express bucket", plan.express_store),
        ("image registry", plan.registry),
    ):
        if store is not None:
            yield BillLine(what=what, count=1, unit_usd_per_hour=None, source=BY_USE)
    if not plan.empty:
        yield PRICES["storage"].line("key", "encryption key", region)


def _lustre(lustre: LustrePlan, region: str) -> Iterator[BillLine]:
    if lustre.capacity_gib is None:
        mbps = float(lustre.throughput_mbps or 0)
        source = "no price of this storage class is known"
        yield BillLine(what="FSx for Lustre, MB/s", count=mbps, unit_usd_per_hour=None, source=source)
    else:
        tier = lustre.throughput_mbps_per_tib
        name = f"lustre_{tier}" if tier else "lustre_scratch"
        what = f"FSx for Lustre, GiB at {tier} MB/s per TiB" if tier else "FSx for Lustre, GiB of scratch"
        yield PRICES["storage"].line(name, what, region, float(lustre.capacity_gib))
    if lustre.metadata_iops is not None:
        source = "no price of provisioned metadata operations is known"
        yield BillLine(what="FSx metadata IOPS", count=lustre.metadata_iops, unit_usd_per_hour=None, source=source)
