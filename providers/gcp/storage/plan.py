"""Plans data on GCP: file systems, a bucket, the mounts of jobs; all that `destroy` keeps."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.errors import Problem, Problems, SpecError
from components.plan.cluster import Mount, VolumePlan
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.gcp.storage.bucket import bucket_decisions, bucket_mounts, plan_bucket
from providers.gcp.storage.lustre import DEFAULT_TIER, plan_lustre
from providers.gcp.tables import PRICES, QUOTAS
from providers.gcp.types import FilestorePlan, GcpNetworkPlan, GcpNodePoolPlan, GcpStoragePlan, ManagedLustrePlan

CLAIMS = {"fileSystem": "file-system", "sharedFileSystem": "shared-file-system"}
"""Names by which pods mount them."""
FILESTORE_GIB = 1024
"""Least of the zonal tier (Filestore, "Service tiers"), which later grows in place."""
_FILESTORE_MBPS = 260.0
"""Reads of a zonal instance of 1 TiB; it writes a third of that (Filestore, "Performance")."""
_FILESTORE_WRITE_MBPS = 88.0


def plan_storage(
    spec: StackSpec, network: GcpNetworkPlan | None, pools: Sequence[GcpNodePoolPlan], stack: str, *, pods: bool = True
) -> GcpStoragePlan:
    """Every store of the stack; SpecError with every problem at once. Without a network, what is wrong with any.
    Without `pods`, machines mount them themselves."""
    problems = Problems([*_mount_problems(spec), *_volume_problems(spec)])
    zone = _zone(spec, network)
    digest = hashlib.sha256(stack.encode()).hexdigest()
    asked, shared = spec.storage.file_system, spec.storage.shared_file_system
    lustre = problems.collect(plan_lustre, asked, zone, stack, digest) if asked else None
    bucket = problems.collect(plan_bucket, spec, pools, stack)
    if problems or network is None:
        raise SpecError(problems)
    filestore = None
    if shared is not None:
        filestore = FilestorePlan(
            instance=f"{stack}-shared", tier="ZONAL", capacity_gib=FILESTORE_GIB, zone=network.zones[0],
            connect_mode="PRIVATE_SERVICE_ACCESS" if network.existing and network.existing.is_shared
            else "DIRECT_PEERING",
            mount_path=shared.mount_path, keep=shared.on_destroy is OnDestroy.KEEP,
        )  # fmt: skip
    volume = _volume(spec, stack, lustre)
    volume = volume if pods else replace(volume, claim="")
    buckets = tuple(bucket_decisions(bucket, pods=pods)) if bucket else ()
    return GcpStoragePlan(
        file_system=lustre,
        shared_file_system=filestore,
        object_store=bucket,
        mounts=(
            *(Mount(volume=CLAIMS[name], path=path) for name, path in spec.storage.mount_paths()),
            *bucket_mounts(bucket),
        ),
        volume=volume,
        decisions=(*_decisions(spec, lustre, filestore, volume), *buckets),
    )


def part(plan: GcpStoragePlan, region: str) -> PartPlan:
    """Every store of the stack."""
    return PartPlan(
        decisions=plan.decisions, bill=tuple(_bill(plan, region)), quotas=tuple(_quotas(plan)),
        warnings=tuple(_warnings(plan)),
    )  # fmt: skip


_AI_ZONE = re.compile(r"-ai\d+[a-z]$")


def _zone(spec: StackSpec, network: GcpNetworkPlan | None) -> str:
    """Zone of the nodes that read most: the first pool's with accelerators. Not one of those for AI, where another is
    named: they have machines, and of other services little (Compute Engine, "AI zones")."""
    zones = [pool.zone for pool in spec.cluster.node_pools if pool.zone]
    held = [
        one.zone for pool in spec.cluster.node_pools
        if (one := pool.capacity.reservation or pool.capacity.capacity_block) and one.zone
    ]  # fmt: skip
    found = [*held, *zones, *(network.zones if network else ())]
    return next((zone for zone in found if not _AI_ZONE.search(zone)), next(iter(found), ""))


def _mount_problems(spec: StackSpec) -> Iterator[Problem]:
    lustre, shared = spec.storage.file_system, spec.storage.shared_file_system
    if lustre and shared and _overlap(lustre.mount_path, shared.mount_path):
        message = f"{shared.mount_path!r} and fileSystem.mountPath {lustre.mount_path!r} overlap; keep them apart"
        yield Problem(path="storage.sharedFileSystem.mountPath", message=message)


def _overlap(one: str, other: str) -> bool:
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def _volume_problems(spec: StackSpec) -> Iterator[Problem]:
    asked, paths = spec.storage.volume, [path for _, path in spec.storage.mount_paths()]
    if asked.path and not any(f"{asked.path}/".startswith(f"{path}/") for path in paths):
        none = "on a file system, and there is none: add storage.sharedFileSystem or storage.fileSystem"
        where = f"below {' or '.join(paths)}" if paths else none
        message = f"{asked.path!r} is on no file system of the stack; runs lie {where}"
        yield Problem(path="storage.volume.path", message=message)
    if not paths and spec.training is not None and "storage" not in spec.wrong:
        message = "a run needs a folder that its nodes share, and there is no file system; add "
        message += "`sharedFileSystem: {}` (Filestore), or fileSystem (Managed Lustre)"
        yield Problem(path="storage", message=message)
    home = spec.storage.home()
    if home and "on_destroy" in asked.model_fields_set and asked.on_destroy is not home[2]:
        message = f"{asked.on_destroy.value!r}, but the file system that it lies on has {home[2].value!r}"
        yield Problem(path="storage.volume.onDestroy", message=f"{message}; set storage.{home[0]}.onDestroy instead")


def _volume(spec: StackSpec, stack: str, lustre: ManagedLustrePlan | None) -> VolumePlan:
    home = spec.storage.home()
    if home is None:
        return VolumePlan(path="", on_destroy=spec.storage.volume.on_destroy)
    key, root, on_destroy = home
    rate = lustre.capacity_gib / 1000 * lustre.mbps_per_tib if lustre and key == "fileSystem" else _FILESTORE_WRITE_MBPS
    path = spec.storage.volume.path or f"{root}/penstock/{stack}"
    return VolumePlan(path=path, on_destroy=on_destroy, claim=CLAIMS[key], mount_path=root, write_mbps=rate)


def _decisions(
    spec: StackSpec, lustre: ManagedLustrePlan | None, filestore: FilestorePlan | None, volume: VolumePlan
) -> Iterator[Decision]:
    asked = spec.storage.file_system
    if lustre is not None and asked is not None:
        if asked.throughput_mbps_per_tib is None:
            reason = "the tier with the least size, which is never another later"
            yield Decision(path="storage.fileSystem.throughputMbpsPerTib", value=str(DEFAULT_TIER), reason=reason)
        reason = "nodes reach it over TCP, as there is no RDMA to storage here; in the zone of the first pool"
        yield Decision(path="storage.fileSystem", value=f"Managed Lustre in {lustre.zone}", reason=reason)
    if filestore is not None:
        value = f"Filestore, zonal, {filestore.capacity_gib} GiB in {filestore.zone}"
        reason = f"the least of its tier: reads {_FILESTORE_MBPS:g} MB/s, writes {_FILESTORE_WRITE_MBPS:g}"
        yield Decision(path="storage.sharedFileSystem", value=value, reason=reason)
    if volume.path and spec.storage.volume.path is None:
        reason = "a folder named after the stack on the file system that all nodes share"
        yield Decision(path="storage.volume.path", value=volume.path, reason=reason)
    if not volume.path:
        yield Decision(path="storage.volume.path", value="none", reason="the stack has no file system")


def _bill(plan: GcpStoragePlan, region: str) -> Iterator[BillLine]:
    prices = PRICES["storage"]
    for what, name, gib in _sold(plan):
        each = prices.usd_per_hour[name] if prices.knows(region) else None
        yield BillLine(what=what, count=gib, unit_usd_per_hour=each, source=prices.source_in(region))
    if plan.object_store is not None:
        yield BillLine(what="bucket", count=1, unit_usd_per_hour=None, source=PRICES["objects"].source)


def _sold(plan: GcpStoragePlan) -> Iterator[tuple[str, str, int]]:
    if lustre := plan.file_system:
        yield f"Managed Lustre, {lustre.mbps_per_tib} MB/s a TiB", f"lustre_{lustre.mbps_per_tib}", lustre.capacity_gib
    if filestore := plan.shared_file_system:
        yield "Filestore, zonal", "filestore_zonal", filestore.capacity_gib


def _quotas(plan: GcpStoragePlan) -> Iterator[QuotaNeed]:
    if plan.file_system:
        yield QUOTAS["lustre.capacity"].need(plan.file_system.capacity_gib, "the stack's file system")
    if plan.shared_file_system:
        yield QUOTAS["filestore.zonal"].need(plan.shared_file_system.capacity_gib, "the stack's shared file system")


def _warnings(plan: GcpStoragePlan) -> Iterator[str]:
    kept: Sequence[tuple[str, bool]] = (
        ("storage.fileSystem", bool(plan.file_system and plan.file_system.keep)),
        ("storage.sharedFileSystem", bool(plan.shared_file_system and plan.shared_file_system.keep)),
    )
    for path, keep in kept:
        if keep:
            yield (
                f"{path}.onDestroy: keep, so `destroy` leaves it, its price and the network that it stands in; "
                "`delete` takes all of them"
            )
