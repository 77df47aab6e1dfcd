"""A host without a public address, by which the private API server is reached through Session Manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import autoscaling, ec2, iam, vpc

from providers.aws.control_plane.eks.types import SsmHostReach
from providers.aws.control_plane.identity import role_of
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.routing import EVERYWHERE
from providers.aws.network.types import AwsSubnetPlan
from providers.aws.nodes.launch_template import LaunchTemplate

_MANAGED = ("AmazonSSMManagedInstanceCore",)
"""All that an agent needs of Systems Manager (Systems Manager User Guide, Configure instance permissions)."""
_HTTPS = 443
_NEW_BEFORE_OLD = autoscaling.GroupInstanceRefreshArgs(
    strategy="Rolling",
    preferences=autoscaling.GroupInstanceRefreshPreferencesArgs(min_healthy_percentage=100, max_healthy_percentage=200),
)
"""A changed template starts another host before the old one goes, so that a tunnel finds one at any time (EC2 Auto
Scaling User Guide, Instance refresh: launch before terminating)."""
_PATIENCE = pulumi.CustomTimeouts(delete="2h")
"""The provider gives a group ten minutes to go, and it goes with its machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SsmHostHandle:
    """The host as it was built."""

    group: pulumi.Output[str]
    """Name of its auto scaling group, by which the machine that runs now is found."""
    security_group_id: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]


class SsmHost(pulumi.ComponentResource):
    """One small machine, started anew in another zone where its own fails. Nothing may open a connection to it; it may
    open some to Systems Manager and to the API server, and its role lets its agent do that and nothing else.
    """

    handle: SsmHostHandle

    def __init__(
        self,
        name: str,
        *,
        plan: SsmHostReach,
        network: NetworkHandle,
        subnets: Sequence[AwsSubnetPlan],
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`subnets` are those of the zones that it may stand in. `tags` go on the machine."""
        super().__init__("penstock:aws:SsmHost", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group, out = _guard(name, network, child)
        agent = role_of("ec2.amazonaws.com", name, managed=_MANAGED, parent=self)
        profile = iam.InstanceProfile(name, role=agent.role.name, tags={"Name": name}, opts=child)
        template = LaunchTemplate(
            name,
            plan=plan.pool,
            security_group_ids=[group.id],
            image_id=f"resolve:ssm:{plan.pool.image_parameter}",
            instance_profile_arn=profile.arn,
            tags=tags,
            opts=child,
        )
        host = autoscaling.Group(
            name,
            min_size=1,
            max_size=1,
            desired_capacity=1,
            vpc_zone_identifiers=[network.subnet_ids[subnet.name] for subnet in subnets],
            launch_template=autoscaling.GroupLaunchTemplateArgs(id=template.id, version=template.version),
            instance_refresh=_NEW_BEFORE_OLD,
            health_check_type="EC2",
            tags=[autoscaling.GroupTagArgs(key="Name", value=name, propagate_at_launch=False)],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*network.ready, out, *agent.attached],
                custom_timeouts=_PATIENCE,
            ),
        )
        self.handle = SsmHostHandle(group=host.name, security_group_id=group.id, ready=(host,))
        self.register_outputs({"group": host.name})


def _guard(
    name: str, network: NetworkHandle, opts: pulumi.ResourceOptions
) -> tuple[ec2.SecurityGroup, vpc.SecurityGroupEgressRule]:
    """The host's security group, which lets nothing in, and its one rule, which lets HTTPS out."""
    group = ec2.SecurityGroup(
        name,
        vpc_id=network.vpc_id,
        description="Host that leads to the API server: nothing in, HTTPS out",
        tags={"Name": name},
        opts=opts,
    )
    out = vpc.SecurityGroupEgressRule(
        f"{name}-out",
        security_group_id=group.id,
        cidr_ipv4=EVERYWHERE,
        ip_protocol="tcp",
        from_port=_HTTPS,
        to_port=_HTTPS,
        description="Systems Manager and the API server",
        tags={"Name": f"{name}-out"},
        opts=opts,
    )
    return group, out
