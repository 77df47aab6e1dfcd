"""Quotas of a subscription that a fault script may set: processors by family and region, of all families, of spot."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field

from rehearsal.cloud.quotas import MachineQuota, ObjectQuota, Quota
from rehearsal.cloud.rules import Demand, Market
from rehearsal.faults import FaultPart, read_limits
from rehearsal.providers.azure.machines import machine, same_family
from rehearsal.providers.azure.names import ADDRESS, CLUSTER, LUSTRE, NETWORK


class CoresQuota(FaultPart):
    """The largest number of processors of a family, as `az vm list-usage` names it, in the region."""

    family: str
    limit: int = Field(ge=0)


class AzureQuotas(FaultPart):
    """Limits of a subscription in a region; what is not named is no limit."""

    clusters: int | None = Field(default=None, ge=0)
    networks: int | None = Field(default=None, ge=0)
    addresses: int | None = Field(default=None, ge=0)
    file_systems: int | None = Field(default=None, ge=0)
    cores: int | None = Field(default=None, ge=0)
    low_priority_cores: int | None = Field(default=None, ge=0)
    families: tuple[CoresQuota, ...] = Field(default=(), strict=False)


def quotas(limits: Mapping[str, Any]) -> tuple[Quota, ...]:
    """The limits as rows. Refuses (SpecError) what Azure does not limit."""
    found = read_limits(AzureQuotas, limits)
    objects = (
        ("clusters", CLUSTER, found.clusters, "ManagedClusterCountExceedsQuotaLimit", "managed clusters"),
        ("networks", NETWORK, found.networks, "VirtualNetworkCountLimitReached", "virtual networks"),
        ("addresses", ADDRESS, found.addresses, "PublicIPCountLimitReached", "public IP addresses"),
        ("fileSystems", LUSTRE, found.file_systems, "QuotaExceeded", "resource type AmlFilesystem"),
    )
    machines = (
        ("cores", found.cores, _cores, partial(_regional, found.cores or 0)),
        ("lowPriorityCores", found.low_priority_cores, _spot, partial(_low, found.low_priority_cores or 0)),
    )
    return (
        *(
            ObjectQuota(
                called=called, token=token, limit=limit, code=code,
                message=f"Operation results in exceeding quota limits for {what}. Maximum allowed: {limit}, Current "
                f"usage: {limit}, Additional requested: 1.",
            )
            for called, token, limit, code, what in objects
            if limit is not None
        ),
        *(
            MachineQuota(called=called, limit=limit, uses=uses, exceeded=exceeded)
            for called, limit, uses, exceeded in machines
            if limit is not None
        ),
        *(
            MachineQuota(
                called=f"cores of {one.family}", limit=one.limit, uses=partial(_of_family, one),
                exceeded=partial(_family, one),
            )
            for one in found.families
        ),
    )  # fmt: skip


def _cores(demand: Demand) -> int:
    """All but spot: regional processors count whatever the family."""
    found = machine(demand.machine_types[0])
    return demand.count * found.vcpus if found and demand.market is not Market.SPOT else 0


def _spot(demand: Demand) -> int:
    found = machine(demand.machine_types[0])
    return demand.count * found.vcpus if found and demand.market is Market.SPOT else 0


def _of_family(quota: CoresQuota, demand: Demand) -> int:
    found = machine(demand.machine_types[0])
    counts = found is not None and same_family(found.family, quota.family)
    return _cores(demand) if counts else 0


def _family(quota: CoresQuota, needed: int) -> str:
    """As AKS answers (NVIDIA/aicr, 2026-07)."""
    return (
        f"ErrCode_InsufficientVCPUQuota: Insufficient vcpu quota requested {needed}, remaining {quota.limit} for "
        f"family {quota.family}. Surge nodes would also consume vcpu quota."
    )


def _regional(limit: int, needed: int) -> str:
    return (
        "QuotaExceeded: Operation could not be completed as it results in exceeding approved Total Regional Cores quota"
        f". Current Limit: {limit}, New Limit Required: {needed}."
    )


def _low(limit: int, needed: int) -> str:
    return (
        "QuotaExceeded: Operation could not be completed as it results in exceeding approved LowPriorityCores quota. "
        f"Current Limit: {limit}, New Limit Required: {needed}."
    )
