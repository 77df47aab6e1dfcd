"""A network that is there already, as the account describes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from components.errors import Problems
from providers.aws.asked import asked
from providers.aws.network.types import ExistingNetwork, NetworkPlan

PATH = "cluster.network.existing"
Described = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNetwork:
    """Answers about one VPC. None for each that was not given."""

    vpc: Sequence[Described] | None
    """One, or none where there is no such VPC in this account and region."""
    dns: Mapping[str, bool] | None
    """By the attribute's name."""
    subnets: Mapping[str, Described] | None
    """Every subnet of the VPC, and those that the stack names, by id."""
    tables: Sequence[Described] | None
    endpoints: Sequence[Described] | None
    access_lists: Sequence[Described] | None
    groups: Mapping[str, Described] | None
    default_group: Described | None
    """That of the VPC; only where the stack stands in it."""
    interfaces: Sequence[Described] | None
    """Those in the stack's subnets."""


def look_at(plan: NetworkPlan, there: ExistingNetwork, ec2: Any, problems: Problems) -> SeenNetwork:
    """All answers about the VPC and what of it the stack uses; `problems` gets each question that was not answered.

    By filters, as a request for ids fails as a whole where one is not there.
    """

    def every(action: str, key: str, name: str, values: Sequence[str]) -> list[Described] | None:
        operation = "describe_" + "".join(f"_{one.lower()}" if one.isupper() else one for one in action)[1:]
        pages = ec2.get_paginator(operation).paginate(Filters=[{"Name": name, "Values": list(values)}])
        request: Callable[[], list[Described]] = lambda: [one for page in pages for one in page[key]]  # noqa: E731
        return problems.collect(asked, f"ec2:Describe{action}", PATH, request, stops=False)

    own, subnets = [there.vpc], [subnet.id for subnet in plan.subnets]
    of_vpc = every("Subnets", "Subnets", "vpc-id", own)
    named = every("Subnets", "Subnets", "subnet-id", subnets)
    given = [group for group in (there.node_group, there.control_plane_group) if group]
    groups = every("SecurityGroups", "SecurityGroups", "group-id", given) if given else []
    of_jobs = every("SecurityGroups", "SecurityGroups", "vpc-id", own) if plan.default_group_of_jobs else None
    vpc = every("Vpcs", "Vpcs", "vpc-id", own)
    known = None if of_vpc is None or named is None else {one["SubnetId"]: one for one in [*of_vpc, *named]}
    return SeenNetwork(
        vpc=vpc,
        dns=problems.collect(_dns, there.vpc, ec2) if vpc else None,
        subnets=known,
        tables=every("RouteTables", "RouteTables", "vpc-id", own),
        endpoints=every("VpcEndpoints", "VpcEndpoints", "vpc-id", own),
        access_lists=every("NetworkAcls", "NetworkAcls", "vpc-id", own),
        groups=None if groups is None else {one["GroupId"]: one for one in groups},
        default_group=next((one for one in of_jobs or () if one["GroupName"] == "default"), None),
        interfaces=every("NetworkInterfaces", "NetworkInterfaces", "subnet-id", subnets),
    )


def _dns(vpc: str, ec2: Any) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        request = partial(ec2.describe_vpc_attribute, VpcId=vpc, Attribute=attribute)
        answer = asked("ec2:DescribeVpcAttribute", PATH, request, stops=False) or {}
        found[attribute] = bool(answer.get(attribute[0].upper() + attribute[1:], {}).get("Value"))
    return found
