"""Quotas of an AWS account that a fault script may set: VPCs, addresses, vCPUs that run."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import Field

from rehearsal.cloud.quotas import MachineQuota, ObjectQuota, Quota
from rehearsal.cloud.rules import Demand, Market
from rehearsal.faults import FaultPart, read_limits

VPC = "aws:ec2/vpc:Vpc"
ADDRESS = "aws:ec2/eip:Eip"


class VcpuQuota(FaultPart):
    """The largest number of vCPUs of a family of machine types that may run."""

    family: Literal["p4", "p5", "p6", "g", "trn", "inf", "standard"]
    spot: bool = False
    vcpus: int = Field(ge=0)


class AwsQuotas(FaultPart):
    """Limits of an account; what is not named is no limit."""

    vpcs: int | None = Field(default=None, ge=0)
    elastic_ips: int | None = Field(default=None, ge=0)
    vcpus: tuple[VcpuQuota, ...] = Field(default=(), strict=False)


def quotas(limits: Mapping[str, Any]) -> tuple[Quota, ...]:
    """The limits as rows. Refuses (SpecError) what AWS does not limit."""
    found = read_limits(AwsQuotas, limits)
    objects = (
        ("vpcs", VPC, found.vpcs, "VpcLimitExceeded", "VPCs"),
        ("elasticIps", ADDRESS, found.elastic_ips, "AddressLimitExceeded", "addresses"),
    )
    return (
        *(
            ObjectQuota(
                called=called, token=token, limit=limit, code=code,
                message=f"The maximum number of {things} has been reached.",
            )
            for called, token, limit, code, things in objects
            if limit is not None
        ),
        *(
            MachineQuota(
                called=f"vcpus of {_bucket(one)}", limit=one.vcpus, uses=partial(_vcpus, one),
                exceeded=partial(_exceeded, one),
            )
            for one in found.vcpus
        ),
    )  # fmt: skip


def _bucket(quota: VcpuQuota) -> str:
    return f"{quota.family}, spot" if quota.spot else quota.family


def _exceeded(quota: VcpuQuota, needed: int) -> str:
    return (
        f"AsgInstanceLaunchFailures: Could not launch instances. VcpuLimitExceeded - You have requested more "
        f"vCPU capacity than your current vCPU limit of {quota.vcpus} allows for the instance bucket that the "
        f"specified instance type belongs to ({_bucket(quota)}: {needed} needed)."
    )


def _vcpus(quota: VcpuQuota, demand: Demand) -> int:
    """The vCPUs that count against the quota. Those of a capacity block do not (EC2 user guide, "Capacity Blocks")."""
    from providers.aws.catalog import machines

    machine = machines().get(demand.machine_types[0]) if demand.machine_types else None
    if machine is None or demand.market is Market.RESERVED or (demand.market is Market.SPOT) != quota.spot:
        return 0
    # On demand, the P generations share a quota; spot has one for each. Source: Service Quotas' own names.
    counted, family = str(machine.quota_family), str(quota.family)
    shared = not quota.spot and counted[0] == family[0] == "p"
    return demand.count * machine.cores if shared or counted == family else 0
