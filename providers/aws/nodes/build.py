"""A node pool of an EKS cluster as Pulumi resources."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_aws import autoscaling, eks, iam

from providers.aws.eks_handle import EksHandle
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.types import AwsSubnetPlan
from providers.aws.nodes import user_data
from providers.aws.nodes.launch_template import LaunchTemplate
from providers.aws.nodes.scaling import autoscaler_tags
from providers.aws.tags import NODES
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, Capacity, SpotCapacity

__all__ = ["LaunchTemplate", "NodePool"]

_PERCENT_UPDATED_AT_ONCE = 33

_NOT_THE_HARDWARE = ("DCGMError", "NvidiaXID13Error", "NvidiaXID31Error")
"""Reasons for which no other machine helps. The agent's way to its own host engine is lost, which it never takes back
once it has said so (aws/eks-node-monitoring-agent 266); a program has touched memory that is not its own (NVIDIA, Xid
Errors: 13 and 31), for which EKS would reboot the node under all others (EKS User Guide, Detect node health issues)."""

_DEFAULT_WAIT_MIN = 10
"""Of EKS for accelerators; an override must have one."""

_ALL_AT_ONCE = autoscaling.GroupInstanceRefreshArgs(
    strategy="Rolling",
    preferences=autoscaling.GroupInstanceRefreshPreferencesArgs(
        min_healthy_percentage=0, max_healthy_percentage=100, skip_matching=True, instance_warmup="0"
    ),
)
"""A gang is whole or not at all: one after the other, its machines would end it each time. None comes before the old
one has gone, as a block holds none in reserve (EC2 Auto Scaling User Guide, "Use an instance refresh")."""

_PATIENCE = pulumi.CustomTimeouts(create="2h", update="8h", delete="2h")
"""A third of the nodes at a time is drained for up to 15 minutes and started anew (EKS User Guide, "Managed node update
behaviour"); the provider gives a group an hour, and one of ours ten minutes to go."""


class NodePool(pulumi.ComponentResource):
    """The pool's launch template; the node group that starts machines from it, EKS's or our own; and for a capacity
    block the times at which it gets its size and is emptied.
    """

    group: eks.NodeGroup | autoscaling.Group
    auto_scaling_group: pulumi.Output[str]
    """Name of the group that holds the machines; EKS makes one for each of its node groups."""

    def __init__(  # noqa: PLR0913 (what surrounds a pool, by name)
        self,
        name: str,
        *,
        plan: AwsNodePoolPlan,
        cluster: EksHandle,
        network: NetworkHandle,
        subnets: Sequence[AwsSubnetPlan],
        sized_later: bool = False,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`subnets` are those of the plan's zones. `tags` go on what it launches. `sized_later`: the gate gives a group
        of EKS's its size, which is made without nodes.
        """
        super().__init__("penstock:aws:NodePool", name, None, opts)
        subnet_ids = [network.subnet_ids[subnet.name] for subnet in subnets]
        ready = pulumi.ResourceOptions(parent=self, depends_on=[*cluster.ready, *network.ready])
        template = LaunchTemplate(
            name,
            plan=plan,
            security_group_ids=_security_groups(plan, cluster, network),
            user_data=_user_data(plan, cluster),
            image_id=f"resolve:ssm:{plan.image_parameter}" if plan.self_managed else None,
            instance_profile_arn=_instance_profile(name, cluster, self) if plan.self_managed else None,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if plan.self_managed:
            own = _own_group(name, plan, cluster, template, subnet_ids, ready)
            self.group, self.auto_scaling_group = own, own.name
        else:
            managed = _managed_group(name, plan, cluster, template, subnet_ids, ready, empty=sized_later)
            self.group, self.auto_scaling_group = managed, managed.resources.apply(_group_of)
        _schedule(name, plan, self.auto_scaling_group, pulumi.ResourceOptions(parent=self))
        _tell_autoscaler(name, plan, self.auto_scaling_group, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"autoScalingGroup": self.auto_scaling_group})


def _security_groups(plan: AwsNodePoolPlan, cluster: EksHandle, network: NetworkHandle) -> list[pulumi.Output[str]]:
    """The cluster's own beside the fabric's: EKS adds none by itself where the template has interfaces."""
    groups = [cluster.cluster_security_group_id]
    if plan.efa_devices or network.gang_is_given:
        assert network.gang_security_group_id is not None, f"{plan.name} has a fabric, and the network none"
        groups.append(network.gang_security_group_id)
    return groups


def _user_data(plan: AwsNodePoolPlan, cluster: EksHandle) -> pulumi.Input[str]:
    if not plan.self_managed:
        return _base64(user_data.managed(plan))

    def text(facts: Sequence[str]) -> str:
        cluster_name, endpoint, authority = facts
        joining = user_data.JoinedCluster(
            name=cluster_name,
            endpoint=endpoint,
            certificate_authority=authority,
            service_cidr=cluster.service_cidr,
        )
        return _base64(user_data.self_managed(plan, joining))

    return pulumi.Output.all(cluster.cluster_name, cluster.endpoint, cluster.certificate_authority).apply(text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _instance_profile(name: str, cluster: EksHandle, parent: pulumi.Resource) -> pulumi.Output[str]:
    profile = iam.InstanceProfile(
        name, role=cluster.node_role_name, tags={"Name": name}, opts=pulumi.ResourceOptions(parent=parent)
    )
    return profile.arn


def _managed_group(  # noqa: PLR0913 (what surrounds a pool)
    name: str,
    plan: AwsNodePoolPlan,
    cluster: EksHandle,
    template: LaunchTemplate,
    subnet_ids: Sequence[pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
    *,
    empty: bool,
) -> eks.NodeGroup:
    """`instance_types` only where there are several: else the template has the one, and a capacity block allows no
    second place for it (EKS User Guide, "Customize managed nodes with launch templates").

    Its version is the control plane's, which is there before; without one EKS leaves the nodes where they were. Without
    a release it would take the newest image of the day on which nodes roll.

    A group is made `empty` where the gate gives it its size: one for whose first nodes there are no machines ends
    as CREATE_FAILED after half an hour, can be changed no more, and takes `up` with it (aws/containers-roadmap 2204,
    eksctl-io/eksctl 4406).

    The sizes of a group that others resize are the gate's to set (plugin/kubernetes/gate/run.py): the provider sends
    all three or none, so that a changed limit would come with the size of long ago. EKS refuses one outside the limits
    ("Minimum capacity 8 can't be greater than desired size 4", terraform-aws-modules/terraform-aws-eks 3306), and takes
    away nodes that have come since where it lies within.

    Replaced by first taking away: what a reservation or a block holds, and often a region, is not there twice.
    """
    resized_by_others = empty or plan.least_in_group != plan.max_count or bool(plan.schedule)
    own = pulumi.ResourceOptions(
        delete_before_replace=True,
        ignore_changes=["scalingConfig"] if resized_by_others else [],
        custom_timeouts=_PATIENCE,
    )
    return eks.NodeGroup(
        name,
        node_group_name=plan.name,
        cluster_name=cluster.cluster_name,
        node_role_arn=cluster.node_role_arn,
        subnet_ids=list(subnet_ids),
        ami_type=plan.ami_type,
        version=cluster.version,
        release_version=plan.release,
        capacity_type=_capacity_type(plan.capacity),
        instance_types=[machine.name for machine in plan.machine_types] if plan.alternatives else None,
        launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.version),
        scaling_config=eks.NodeGroupScalingConfigArgs(
            min_size=0 if empty else plan.least_in_group,
            max_size=plan.max_count,
            desired_size=0 if empty else plan.desired_now,
        ),
        update_config=_update_config(plan),
        node_repair_config=_repair_config(plan),
        labels=plan.labels,
        taints=[
            eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=user_data.EKS_EFFECT[taint.effect])
            for taint in plan.taints
        ],
        tags={"Name": name, NODES: str(plan.node_count)},
        opts=pulumi.ResourceOptions.merge(opts, own),
    )


def _capacity_type(capacity: Capacity) -> str:
    match capacity:
        case BlockCapacity():
            return "CAPACITY_BLOCK"
        case SpotCapacity():
            return "SPOT"
        case _:
            return "ON_DEMAND"


def _update_config(plan: AwsNodePoolPlan) -> eks.NodeGroupUpdateConfigArgs:
    """Machines with accelerators go before their successors come, as there are seldom more to be had."""
    strategy = None if plan.machine.accelerator is None else "MINIMAL"
    return eks.NodeGroupUpdateConfigArgs(max_unavailable_percentage=_PERCENT_UPDATED_AT_ONCE, update_strategy=strategy)


def _repair_config(plan: AwsNodePoolPlan) -> eks.NodeGroupNodeRepairConfigArgs:
    """Machines with accelerators are repaired one at a time, and none while more than a tenth of them are unhealthy:
    what many have at once is seldom their own fault. EKS by itself takes all of them, and stops only where there are
    more than five nodes and more than a fifth is unhealthy (EKS User Guide, Automatic node repair).
    """
    if not plan.node_repair or plan.machine.accelerator is None:
        return eks.NodeGroupNodeRepairConfigArgs(enabled=plan.node_repair)
    return eks.NodeGroupNodeRepairConfigArgs(
        enabled=True,
        max_parallel_nodes_repaired_count=1,
        max_unhealthy_node_threshold_count=max(1, plan.max_count // 10),
        node_repair_config_overrides=[
            eks.NodeGroupNodeRepairConfigNodeRepairConfigOverrideArgs(
                node_monitoring_condition="AcceleratedHardwareReady",
                node_unhealthy_reason=reason,
                min_repair_wait_time_mins=_DEFAULT_WAIT_MIN,
                repair_action="NoAction",
            )
            for reason in _NOT_THE_HARDWARE
        ],
    )


def _group_of(resources: Sequence[eks.outputs.NodeGroupResource]) -> str:
    (made,) = (group for resource in resources for group in resource.autoscaling_groups or ())
    return str(made.name)


def _own_group(
    name: str,
    plan: AwsNodePoolPlan,
    cluster: EksHandle,
    template: LaunchTemplate,
    subnet_ids: Sequence[pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
) -> autoscaling.Group:
    """It does not wait for its machines: before a block begins there are none, and `up` would wait in vain.

    Another version of the template starts its machines anew, which machines that run would not do by themselves.
    """
    owned = autoscaling.GroupTagArgs(
        key=cluster.cluster_name.apply(lambda cluster_name: f"kubernetes.io/cluster/{cluster_name}"),
        value="owned",
        propagate_at_launch=True,
    )
    return autoscaling.Group(
        name,
        min_size=plan.least_in_group,
        max_size=plan.max_count,
        desired_capacity=plan.desired_now,
        vpc_zone_identifiers=list(subnet_ids),
        launch_template=autoscaling.GroupLaunchTemplateArgs(id=template.id, version=template.version),
        instance_refresh=_ALL_AT_ONCE,
        health_check_type="EC2",
        wait_for_capacity_timeout="0",
        tags=[owned, autoscaling.GroupTagArgs(key="Name", value=name, propagate_at_launch=False)],
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                delete_before_replace=True, ignore_changes=["desired_capacity"], custom_timeouts=_PATIENCE
            ),
        ),
    )


def _schedule(name: str, plan: AwsNodePoolPlan, group: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    for change in plan.schedule:
        autoscaling.Schedule(
            f"{name}-{change.name}",
            scheduled_action_name=change.name,
            autoscaling_group_name=group,
            min_size=plan.least_in_group,
            max_size=plan.max_count,
            desired_capacity=change.nodes,
            start_time=change.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            opts=opts,
        )


def _tell_autoscaler(name: str, plan: AwsNodePoolPlan, group: pulumi.Output[str], opts: pulumi.ResourceOptions) -> None:
    """Marks the group as one that may change size, with what a node of it will offer: it may have none to look at."""
    for key, value in autoscaler_tags(plan).items():
        autoscaling.Tag(
            f"{name}-{key.rpartition('/')[2]}",
            autoscaling_group_name=group,
            tag=autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
            opts=opts,
        )
