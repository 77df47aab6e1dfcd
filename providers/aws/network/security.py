"""Security groups whose rules are resources of their own."""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2, vpc

from providers.aws.network.routing import EVERYWHERE
from providers.aws.network.types import NetworkPlan

ALL = "-1"


def empty_default_group(name: str, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """The group that AWS gives every VPC, without the rules it comes with: who names no group reaches nothing."""
    ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc_id, tags={"Name": f"{name}-default-empty"}, opts=opts)


def default_group_of_jobs(
    name: str, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> ec2.DefaultSecurityGroup:  # fmt: skip
    """The group that AWS gives every VPC, which lets in what comes from it, and lets all out to it and elsewhere.

    A container of a job of several nodes has an interface of its own, in the environment's groups, and in this one
    where the environment has none (Batch User Guide, "Compute environment considerations for MNP"). It may have none
    where the launch template's interfaces have some (aws/aws-cdk#21577). Security Hub's EC2.2 objects to any rule here.
    """
    full = f"{name}-default"
    among, downloads = "among containers of jobs", "images, packages, AWS services"
    return ec2.DefaultSecurityGroup(
        full,
        vpc_id=vpc_id,
        ingress=[
            ec2.DefaultSecurityGroupIngressArgs(protocol=ALL, from_port=0, to_port=0, self=True, description=among)
        ],
        egress=[
            ec2.DefaultSecurityGroupEgressArgs(protocol=ALL, from_port=0, to_port=0, self=True, description=among),
            ec2.DefaultSecurityGroupEgressArgs(
                protocol=ALL, from_port=0, to_port=0, cidr_blocks=[EVERYWHERE], description=downloads
            ),
        ],
        tags={"Name": full},
        opts=opts,
    )


def make_gang_group(
    name: str, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> tuple[ec2.SecurityGroup, list[pulumi.Resource]]:  # fmt: skip
    """All protocols to and from the group itself, by its id, since EFA heeds no rule that names a range; and out.
    With it the rules, which must stand before a node starts.

    Both directions are needed: with ingress alone the fabric does not come up (EC2 User Guide, EFA security group).
    """
    full = f"{name}-gang"
    group = ec2.SecurityGroup(
        full, vpc_id=vpc_id, description="Nodes that compute together", tags={"Name": full}, opts=opts
    )
    into = vpc.SecurityGroupIngressRule(
        f"{full}-in", security_group_id=group.id, referenced_security_group_id=group.id, ip_protocol=ALL,
        description="among themselves", tags={"Name": f"{full}-in"}, opts=opts,
    )  # fmt: skip
    out = vpc.SecurityGroupEgressRule(
        f"{full}-out", security_group_id=group.id, referenced_security_group_id=group.id, ip_protocol=ALL,
        description="among themselves", tags={"Name": f"{full}-out"}, opts=opts,
    )  # fmt: skip
    downloads = vpc.SecurityGroupEgressRule(
        f"{full}-downloads", security_group_id=group.id, cidr_ipv4=EVERYWHERE, ip_protocol=ALL,
        description="images, packages, AWS services", tags={"Name": f"{full}-downloads"}, opts=opts,
    )  # fmt: skip
    return group, [into, out, downloads]


def make_endpoint_group(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> ec2.SecurityGroup:  # fmt: skip
    """HTTPS from the VPC's own ranges, and nothing else."""
    full = f"{name}-endpoints"
    group = ec2.SecurityGroup(
        full, vpc_id=vpc_id, description="Endpoints of AWS services", tags={"Name": full}, opts=opts
    )
    for index, cidr in enumerate((plan.cidr, *plan.further_cidrs), start=1):
        vpc.SecurityGroupIngressRule(
            f"{full}-{index}", security_group_id=group.id, cidr_ipv4=cidr, ip_protocol="tcp", from_port=443,
            to_port=443, description="from the VPC", tags={"Name": f"{full}-{index}"}, opts=opts,
        )  # fmt: skip
    return group
