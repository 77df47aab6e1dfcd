"""Removes what others made in a stack's network and for its cluster, found by the tags they leave.

A controller inside a cluster makes load balancers, target groups, security groups and interfaces that no stack knows,
and GuardDuty an endpoint with a group of its own. They hold the network: its subnets and the network itself cannot be
deleted while one is there (terraform-aws-eks #1267; hashicorp/terraform-provider-aws#46747). Disks that pods claimed
hold nothing, and are billed for ever.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from components.errors import PenstockError
from components.labels import STACK
from providers.aws.session import session

POLL_S = 5.0
BATCH = 20
"""Resources of one DescribeTags (elbv2 API reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Identifiers of what controllers made."""

    load_balancers: tuple[str, ...]
    classic_load_balancers: tuple[str, ...]
    target_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """boto3 clients of the cluster's region."""

    ec2: Any
    elb: Any
    elbv2: Any

    @classmethod
    def of(cls, region: str, identity: Mapping[str, str] = MappingProxyType({})) -> "Clients":
        account = session(region, **identity)
        return cls(ec2=account.client("ec2"), elb=account.client("elb"), elbv2=account.client("elbv2"))


def drain(clients: Clients, cluster: str, vpc: str, say: Callable[[str], None], patience_s: float) -> None:
    """Nothing that a controller made holds the network any more; each thing taken away is said.

    PenstockError after `patience_s` seconds, naming what still holds it; the same call goes on from there.
    """
    found = find(clients, cluster, vpc)
    for arn in found.load_balancers:
        clients.elbv2.delete_load_balancer(LoadBalancerArn=arn)
        say(f"deleted load balancer {arn.rpartition('loadbalancer/')[2]}, which a controller of {cluster} had made")
    for name in found.classic_load_balancers:
        clients.elb.delete_load_balancer(LoadBalancerName=name)
        say(f"deleted load balancer {name}, which a controller of {cluster} had made")
    for arn in found.target_groups:
        clients.elbv2.delete_target_group(TargetGroupArn=arn)
    own = _is_own(clients.ec2, cluster, vpc)
    if own:
        _delete_guards(clients.ec2, vpc, say, patience_s)
    _await_no_balancer_interfaces(clients.ec2, cluster, vpc, patience_s, whole=own)
    for interface in _left_interfaces(clients.ec2, cluster, vpc):
        clients.ec2.delete_network_interface(NetworkInterfaceId=interface)
        say(f"deleted interface {interface}, which a node of {cluster} had left")
    _delete_groups(clients.ec2, cluster, vpc, say)
    _delete_disks(clients.ec2, cluster, say)


def find(clients: Clients, cluster: str, vpc: str) -> Found:
    """The load balancers and target groups in the network that carry the cluster's tag."""
    balancers = [
        each["LoadBalancerArn"]
        for each in _pages(clients.elbv2, "describe_load_balancers", "LoadBalancers")
        if each.get("VpcId") == vpc
    ]
    groups = [
        each["TargetGroupArn"]
        for each in _pages(clients.elbv2, "describe_target_groups", "TargetGroups")
        if each.get("VpcId") == vpc
    ]
    classic = [
        each["LoadBalancerName"]
        for each in _pages(clients.elb, "describe_load_balancers", "LoadBalancerDescriptions")
        if each.get("VPCId") == vpc
    ]
    return Found(
        load_balancers=tuple(_of_cluster(clients.elbv2, "ResourceArns", "ResourceArn", balancers, cluster)),
        classic_load_balancers=tuple(
            _of_cluster(clients.elb, "LoadBalancerNames", "LoadBalancerName", classic, cluster)
        ),
        target_groups=tuple(_of_cluster(clients.elbv2, "ResourceArns", "ResourceArn", groups, cluster)),
    )


def is_of_cluster(tags: Sequence[Mapping[str, str]], cluster: str) -> bool:
    """True if a controller of that cluster made it: the tags of the AWS load balancer controller, of the cloud
    controller and of the VPC CNI.
    """
    found = {tag["Key"]: tag.get("Value", "") for tag in tags}
    if found.get(f"kubernetes.io/cluster/{cluster}") == "owned":
        return True
    return cluster in (found.get("elbv2.k8s.aws/cluster"), found.get("cluster.k8s.amazonaws.com/name"))


def _of_cluster(client: Any, ask: str, key: str, names: Sequence[str], cluster: str) -> Iterator[str]:
    for start in range(0, len(names), BATCH):
        answer = client.describe_tags(**{ask: list(names[start : start + BATCH])})
        for each in answer["TagDescriptions"]:
            if is_of_cluster(each["Tags"], cluster):
                yield each[key]


def _pages(client: Any, operation: str, key: str) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator(operation).paginate():
        yield from page[key]


def _in_network(ec2: Any, vpc: str, operation: str, key: str) -> list[Mapping[str, Any]]:
    pages = ec2.get_paginator(operation).paginate(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    return [each for page in pages for each in page[key]]


def _interfaces(ec2: Any, vpc: str) -> list[Mapping[str, Any]]:
    return _in_network(ec2, vpc, "describe_network_interfaces", "NetworkInterfaces")


def _await_no_balancer_interfaces(ec2: Any, cluster: str, vpc: str, patience_s: float, *, whole: bool) -> None:
    """AWS takes a load balancer's interfaces away some minutes after the load balancer. Those of others' load balancers
    matter only where the `whole` network goes: in one that was there before, those in the cluster's groups are awaited.
    """
    deadline = time.monotonic() + patience_s
    groups = {group["GroupId"] for group in _groups_of(ec2, cluster, vpc)}
    while held := [
        each["NetworkInterfaceId"]
        for each in _interfaces(ec2, vpc)
        if each.get("Description", "").startswith("ELB ")
        and (whole or groups & {group["GroupId"] for group in each.get("Groups", ())})
    ]:
        if time.monotonic() > deadline:
            raise PenstockError(
                f"{', '.join(held)} of load balancers that no controller of this cluster made hold {vpc}; "
                "delete those load balancers, then destroy again"
            )
        time.sleep(POLL_S)


def _left_interfaces(ec2: Any, cluster: str, vpc: str) -> Iterator[str]:
    for each in _interfaces(ec2, vpc):
        if each["Status"] == "available" and is_of_cluster(each.get("TagSet", []), cluster):
            yield each["NetworkInterfaceId"]


def _delete_groups(ec2: Any, cluster: str, vpc: str, say: Callable[[str], None]) -> None:
    """Groups refer to each other: their rules go first, or none of them could."""
    groups = _groups_of(ec2, cluster, vpc)
    for group in groups:
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    for group in groups:
        ec2.delete_security_group(GroupId=group["GroupId"])
        say(f"deleted security group {group['GroupName']}, which a controller of {cluster} had made")


def _groups_of(ec2: Any, cluster: str, vpc: str) -> list[Mapping[str, Any]]:
    """Security groups that the cluster's controllers made."""
    found = _in_network(ec2, vpc, "describe_security_groups", "SecurityGroups")
    return [one for one in found if one["GroupName"] != "default" and is_of_cluster(one.get("Tags", []), cluster)]


def _is_own(ec2: Any, cluster: str, vpc: str) -> bool:
    """True for a network that the stack has made: in another's, GuardDuty still guards what is there."""
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    return {"Key": STACK, "Value": cluster} in found.get("Tags", [])


def _delete_guards(ec2: Any, vpc: str, say: Callable[[str], None], patience_s: float) -> None:
    """The endpoint first, then the group of its interfaces: GuardDuty leaves both where the last machine has gone.

    Source of their names: hashicorp/terraform-provider-aws#46747.
    """
    deadline = time.monotonic() + patience_s
    endpoints = _guards(ec2, vpc)
    if endpoints:
        ec2.delete_vpc_endpoints(VpcEndpointIds=endpoints)
        say(f"deleted endpoint {', '.join(endpoints)}, which GuardDuty had made")
    while held := _guards(ec2, vpc):
        if time.monotonic() > deadline:
            raise PenstockError(f"{', '.join(held)} of GuardDuty's hold {vpc}; delete them, then destroy again")
        time.sleep(POLL_S)
    for group in _in_network(ec2, vpc, "describe_security_groups", "SecurityGroups"):
        if group["GroupName"] == f"GuardDutyManagedSecurityGroup-{vpc}":
            ec2.delete_security_group(GroupId=group["GroupId"])
            say(f"deleted security group {group['GroupName']}, which GuardDuty had made")


def _guards(ec2: Any, vpc: str) -> list[str]:
    found = _in_network(ec2, vpc, "describe_vpc_endpoints", "VpcEndpoints")
    guarding = [one for one in found if one["ServiceName"].endswith(".guardduty-data") and one["State"] != "deleted"]
    return [one["VpcEndpointId"] for one in guarding]


def _delete_disks(ec2: Any, cluster: str, say: Callable[[str], None]) -> None:
    """Those of the stack's own class, whose disks go with their claims: the cluster is gone, and the claims with it."""
    filters = [
        {"Name": "tag-key", "Values": ["CSIVolumeName"]},  # of the EBS CSI driver (its docs, tagging.md)
        {"Name": f"tag:{STACK}", "Values": [cluster]},
        {"Name": "status", "Values": ["available"]},
    ]
    for page in ec2.get_paginator("describe_volumes").paginate(Filters=filters):
        for one in page["Volumes"]:
            ec2.delete_volume(VolumeId=one["VolumeId"])
            say(f"deleted disk {one['VolumeId']} ({one['Size']} GiB), which a claim of {cluster} had left")
