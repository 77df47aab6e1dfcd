"""Plans data on Azure: file systems, a container, the mounts of jobs; all that `destroy` keeps."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from components.errors import Problem, Problems, SpecError
from components.plan.cluster import Mount, VolumePlan
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.azure.storage.blob import blob_decisions, blob_mounts, plan_blob
from providers.azure.storage.lustre import DEFAULT_TIER, plan_lustre
from providers.azure.tables import PRICES, QUOTAS
from providers.azure.types import LUSTRE, AmlfsPlan, AzureNetworkPlan, AzureStoragePlan, NetAppPlan
from providers.azure.zones import first_zone

CLAIMS = {"fileSystem": "file-system", "sharedFileSystem": "shared-file-system"}
"""Names by which pods mount them."""
NETAPP_GIB = 1024
"""Least of a capacity pool (NetApp Files, "Resource limits", 2026-11); it grows in place."""
_NETAPP_LEVEL, _NETAPP_MBPS_PER_TIB = "Premium", 64.0
"""MiB/s for each TiB of that level (NetApp Files, "Service levels")."""


def plan_storage(
    spec: StackSpec, network: AzureNetworkPlan | None, subscription: str, stack: str
) -> AzureStoragePlan:  # fmt: skip
    """Every store of the stack; SpecError with every problem at once. Without a network, what is wrong with any."""
    problems = Problems([*_mount_problems(spec), *_volume_problems(spec)])
    asked, shared = spec.storage.file_system, spec.storage.shared_file_system
    zone, subnet = first_zone(spec), _lustre_range(network)
    lustre = problems.collect(plan_lustre, asked, zone, subnet, stack) if asked else None
    blob = problems.collect(plan_blob, spec, subscription, stack)
    if problems or network is None:
        raise SpecError(problems)
    netapp = None
    if shared is not None:
        netapp = NetAppPlan(
            account=f"{stack}-files", pool="pool", volume="shared", service_level=_NETAPP_LEVEL,
            capacity_gib=NETAPP_GIB, mount_path=shared.mount_path, keep=shared.on_destroy is OnDestroy.KEEP,
        )  # fmt: skip
    volume = _volume(spec, stack, lustre)
    return AzureStoragePlan(
        group=f"{stack}-data",
        file_system=lustre,
        shared_file_system=netapp,
        object_store=blob,
        mounts=(
            *(Mount(volume=CLAIMS[name], path=path) for name, path in spec.storage.mount_paths()),
            *blob_mounts(blob),
        ),
        volume=volume,
        decisions=(*_decisions(spec, lustre, netapp, volume), *(blob_decisions(blob) if blob else ())),
    )


def part(plan: AzureStoragePlan, region: str) -> PartPlan:
    """Every store of the stack."""
    return PartPlan(
        decisions=plan.decisions, bill=tuple(_bill(plan, region)), quotas=tuple(_quotas(plan)),
        warnings=tuple(_warnings(plan)),
    )  # fmt: skip


def _lustre_range(network: AzureNetworkPlan | None) -> IPv4Network | None:
    if network is None:
        return None
    return next((IPv4Network(subnet.cidr) for subnet in network.subnets if subnet.name == LUSTRE), None)


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
        message += "`sharedFileSystem: {}` (NetApp Files), or fileSystem (Managed Lustre)"
        yield Problem(path="storage", message=message)
    home = spec.storage.home()
    if home and "on_destroy" in asked.model_fields_set and asked.on_destroy is not home[2]:
        message = f"{asked.on_destroy.value!r}, but the file system that it lies on has {home[2].value!r}"
        yield Problem(path="storage.volume.onDestroy", message=f"{message}; set storage.{home[0]}.onDestroy instead")


def _volume(spec: StackSpec, stack: str, lustre: AmlfsPlan | None) -> VolumePlan:
    home = spec.storage.home()
    if home is None:
        return VolumePlan(path="", on_destroy=spec.storage.volume.on_destroy)
    key, root, on_destroy = home
    rate = lustre.capacity_tib * lustre.mbps_per_tib if lustre and key == "fileSystem" else _netapp_mbps()
    path = spec.storage.volume.path or f"{root}/penstock/{stack}"
    return VolumePlan(path=path, on_destroy=on_destroy, claim=CLAIMS[key], mount_path=root, write_mbps=rate)


def _netapp_mbps() -> float:
    return _NETAPP_MBPS_PER_TIB * NETAPP_GIB / 1024


def _decisions(
    spec: StackSpec, lustre: AmlfsPlan | None, netapp: NetAppPlan | None, volume: VolumePlan
) -> Iterator[Decision]:
    asked = spec.storage.file_system
    if lustre is not None and asked is not None:
        if asked.throughput_mbps_per_tib is None:
            reason = "neither size nor tier ever change: another one is another file system"
            yield Decision(path="storage.fileSystem.throughputMbpsPerTib", value=str(DEFAULT_TIER), reason=reason)
        where = f"zone {lustre.zone}" if lustre.zone else "a zone of Azure's choice"
        reason = "nodes reach it over TCP in the network; in the zone of the first pool that has one"
        yield Decision(path="storage.fileSystem", value=f"Azure Managed Lustre in {where}", reason=reason)
    if netapp is not None:
        value = f"Azure NetApp Files, {netapp.service_level}, {netapp.capacity_gib} GiB"
        reason = f"the least of a capacity pool: {_netapp_mbps():g} MiB/s of it, reads and writes together"
        yield Decision(path="storage.sharedFileSystem", value=value, reason=reason)
    if volume.path and spec.storage.volume.path is None:
        reason = "a folder named after the stack on the file system that all nodes share"
        yield Decision(path="storage.volume.path", value=volume.path, reason=reason)
    if not volume.path:
        yield Decision(path="storage.volume.path", value="none", reason="the stack has no file system")


def _bill(plan: AzureStoragePlan, region: str) -> Iterator[BillLine]:
    if lustre := plan.file_system:
        what = f"Managed Lustre, {lustre.capacity_tib:g} TiB at {lustre.mbps_per_tib} MB/s a TiB"
        yield BillLine(what=what, count=1, unit_usd_per_hour=None, source=PRICES["lustre"].source)
    if netapp := plan.shared_file_system:
        name = f"{netapp.service_level.lower()}_gib"
        yield PRICES["netapp"].line(name, f"NetApp Files, {netapp.service_level}", region, netapp.capacity_gib)
    if plan.object_store is not None:
        yield BillLine(what="container", count=1, unit_usd_per_hour=None, source=PRICES["objects"].source)


def _quotas(plan: AzureStoragePlan) -> Iterator[QuotaNeed]:
    if plan.file_system:
        yield QUOTAS["lustre.file_systems"].need(1, "the stack's file system, beside those of the subscription")
    if netapp := plan.shared_file_system:
        yield QUOTAS["netapp.capacity"].need(netapp.capacity_gib / 1024, "the stack's shared file system")


def _warnings(plan: AzureStoragePlan) -> Iterator[str]:
    kept = (
        ("storage.fileSystem", bool(plan.file_system and plan.file_system.keep)),
        ("storage.sharedFileSystem", bool(plan.shared_file_system and plan.shared_file_system.keep)),
    )
    for path, keep in kept:
        if keep:
            yield (
                f"{path}.onDestroy: keep, so `destroy` leaves it, its price and the network that it stands in; "
                "`delete` takes all of them"
            )
