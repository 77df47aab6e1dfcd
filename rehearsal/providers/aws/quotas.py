"""The account's limits, where a fault script sets some: VPCs, addresses, vCPUs that run."""

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import ApiError
from rehearsal.faults import Quotas, VcpuQuota
from rehearsal.providers.aws.capacity import BLOCK, Asked, running

VPC = "aws:ec2/vpc:Vpc"
ADDRESS = "aws:ec2/eip:Eip"


def require_room(account: Account, quotas: Quotas, token: str) -> None:
    """Refuses (ApiError) one VPC or address more than the account may have."""
    limits = {
        VPC: (quotas.vpcs, "VpcLimitExceeded", "The maximum number of VPCs has been reached."),
        ADDRESS: (
            quotas.elastic_ips,
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ),
    }
    limit, code, message = limits.get(token, (None, "", ""))
    if limit is not None and sum(thing.token == token for thing in account.objects()) >= limit:
        raise ApiError(code, message)


def too_many_vcpus(account: Account, quotas: Quotas, ask: Asked) -> str:
    """Why the machines do not start although AWS has them, "" where they do. The account's own are counted too.

    Machines of a capacity block do not count (EC2 user guide, "Capacity Blocks for ML").
    """
    for quota in quotas.vcpus:
        needed = sum(_vcpus(quota, one) for one in running(account))
        if _vcpus(quota, ask) and needed > quota.vcpus:
            return (
                f"AsgInstanceLaunchFailures: Could not launch instances. VcpuLimitExceeded - You have requested more "
                f"vCPU capacity than your current vCPU limit of {quota.vcpus} allows for the instance bucket that the "
                f"specified instance type belongs to ({quota.family}{', spot' if quota.spot else ''}: {needed} needed)."
            )
    return ""


def _vcpus(quota: VcpuQuota, ask: Asked) -> int:
    """How many of its vCPUs count against the quota."""
    from providers.aws.catalog import machines

    machine = machines().get(ask.machine_types[0]) if ask.machine_types else None
    if machine is None or ask.market == BLOCK or (ask.market == "spot") != quota.spot:
        return 0
    # On demand, the P generations share a quota; spot has one for each. Source: Service Quotas' own names.
    counted, family = str(machine.quota_family), str(quota.family)
    shared = not quota.spot and counted[0] == family[0] == "p"
    return ask.count * machine.cores if shared or counted == family else 0
