"""Quotas of a Google Cloud project that a fault script may set, by the names that Google has for them."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field

from rehearsal.cloud.quotas import MachineQuota, ObjectQuota, Quota
from rehearsal.cloud.rules import Demand, Market
from rehearsal.faults import FaultPart, read_limits
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import ADDRESS, NETWORK

BOOT_DISK_GB = 100


class FamilyQuota(FaultPart):
    """The largest number of accelerators of a family that may run in a region: gpu_family, or tpu_family."""

    family: str
    preemptible: bool = False
    """Of spot and flex start (PREEMPTIBLE_NVIDIA_L4_GPUS, PREEMPTIBLE-TPU-V6E)."""
    region: str | None = None
    limit: int = Field(ge=0)


class GcpQuotas(FaultPart):
    """Limits of a project; what is not named is no limit."""

    networks: int | None = Field(default=None, ge=0)
    addresses: int | None = Field(default=None, ge=0)
    gpus_all_regions: int | None = Field(default=None, ge=0)
    cpus: int | None = Field(default=None, ge=0)
    ssd_total_gb: int | None = Field(default=None, ge=0)
    accelerators: tuple[FamilyQuota, ...] = Field(default=(), strict=False)


def quotas(limits: Mapping[str, Any]) -> tuple[Quota, ...]:
    """The limits as rows. Refuses (SpecError) what Google does not limit."""
    found = read_limits(GcpQuotas, limits)
    objects = (
        ("networks", NETWORK, found.networks, "NETWORKS"),
        ("addresses", ADDRESS, found.addresses, "STATIC_ADDRESSES"),
    )
    machines = (
        ("gpusAllRegions", found.gpus_all_regions, _gpus, partial(_global, found.gpus_all_regions or 0)),
        ("cpus", found.cpus, _cpus, partial(_regional, "CPUS", found.cpus or 0)),
        ("ssdTotalGb", found.ssd_total_gb, _ssd_gb, partial(_regional, "SSD_TOTAL_GB", found.ssd_total_gb or 0)),
    )
    return (
        *(
            ObjectQuota(
                called=called, token=token, limit=limit, code="Error 403",
                message=f"Quota '{metric}' exceeded.  Limit: {limit}.0 globally., quotaExceeded",
            )
            for called, token, limit, metric in objects
            if limit is not None
        ),
        *(
            MachineQuota(called=called, limit=limit, uses=uses, exceeded=exceeded)
            for called, limit, uses, exceeded in machines
            if limit is not None
        ),
        *(
            MachineQuota(
                called=f"accelerators of {_metric(one)}", limit=one.limit, uses=partial(_of_family, one),
                exceeded=partial(_regional, _metric(one), one.limit),
            )
            for one in found.accelerators
        ),
    )  # fmt: skip


def _metric(quota: FamilyQuota) -> str:
    start = "PREEMPTIBLE_" if quota.preemptible else ""
    return f"{start}{quota.family}_GPUS" if quota.family.startswith("NVIDIA") else f"{start}TPU_{quota.family}"


def _regional(metric: str, limit: int, needed: int) -> str:
    """As GKE answers (seen in many public reports)."""
    return (
        f'Error 403: Insufficient regional quota to satisfy request: resource "{metric}": request requires '
        f"'{needed}.0' and is short '{needed - limit}.0'. project has a quota of '{limit}.0' with '{limit}.0' "
        "available."
    )


def _global(limit: int, needed: int) -> str:
    return (
        f"Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: {limit}.0 globally. metric name = "
        f"compute.googleapis.com/gpus_all_regions ({needed} needed)"
    )


def _gpus(demand: Demand) -> int:
    """GPUs of all regions together, whatever their market but a reservation's."""
    found = machine(demand.machine_types[0])
    counted = found and not found.is_tpu and demand.market is not Market.RESERVED
    return demand.count * found.chips if found and counted else 0


def _cpus(demand: Demand) -> int:
    found = machine(demand.machine_types[0])
    return demand.count * found.vcpus if found and found.family == "CPUS" else 0


def _ssd_gb(demand: Demand) -> int:
    """Boot disks of GKE's own size on pd-balanced, which counts as SSD (Google Cloud, "Allocation quotas")."""
    found = machine(demand.machine_types[0])
    return demand.count * BOOT_DISK_GB if found and "pd-balanced" in found.disks else 0


def _of_family(quota: FamilyQuota, demand: Demand) -> int:
    found = machine(demand.machine_types[0])
    if found is None or found.family != quota.family or demand.market is Market.RESERVED:
        return 0
    regions = {re.sub(r"-[a-z]$", "", zone) for zone in demand.zones}
    elsewhere = quota.region is not None and quota.region not in regions
    return 0 if elsewhere or (demand.market is Market.SPOT) != quota.preemptible else demand.count * found.chips
