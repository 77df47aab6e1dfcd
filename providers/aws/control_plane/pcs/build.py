"""Slurm on AWS: the controller of PCS, its node groups and its queues, all through Cloud Control."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudcontrol, iam

from providers.aws.control_plane.host_mounts import HostMount, user_data
from providers.aws.control_plane.identity import allowing
from providers.aws.control_plane.pcs.plan import NodeGroupPlan, PartitionPlan, PcsPlan
from providers.aws.network.handle import NetworkHandle
from providers.aws.nodes.launch_template import LaunchTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class PcsHandle:
    cluster_id: pulumi.Output[str]
    endpoints: pulumi.Output[Sequence[Mapping[str, str]]]
    """Of slurmctld, and of slurmdbd where there is accounting: Type, PrivateIpAddress, Port."""
    queues: tuple[str, ...]
    """Slurm's partitions."""
    login: pulumi.Output[str]
    """The command line that opens a shell on the login node."""


class Pcs(pulumi.ComponentResource):
    """A Slurm cluster whose nodes start from the same launch templates as those of EKS would."""

    handle: PcsHandle

    def __init__(  # noqa: PLR0913 (what surrounds a controller, by name)
        self,
        name: str,
        *,
        plan: PcsPlan,
        network: NetworkHandle,
        mounts: Sequence[HostMount] = (),
        after: Sequence[pulumi.Resource] = (),
        rights: pulumi.Output[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`mounts` are made on every node, and work `after` these. `rights`: a policy of what jobs may do on AWS, which
        act as their node does; None for nothing. `tags` go on all of it: a provider's default tags miss Cloud Control.
        """
        super().__init__("penstock:aws:Pcs", name, None, opts)
        self._tags = dict(tags or {})
        self._network = network
        self._before: list[pulumi.Resource] = list(network.ready)
        assert network.gang_security_group_id is not None, "the network's plan knows that Slurm needs it"
        self._group_id = network.gang_security_group_id
        profile = self._instance_profile(name, plan)
        self._cluster = self._make_cluster(name, plan)
        self._before += [self._may_register(name), *after]
        if rights is not None:
            self._before.append(
                iam.RolePolicy(
                    f"{name}-stores",
                    name="stores",
                    role=self._role.name,
                    policy=rights,
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        self._mounts = mounts
        groups = {group.pool.name: self._node_group(name, plan, group, profile) for group in plan.groups}
        login = self._node_group(name, plan, plan.login, profile)
        for queue in plan.queues:
            self._queue(name, queue, groups)
        self.handle = PcsHandle(
            cluster_id=_read(self._cluster, "Id"),
            endpoints=_read(self._cluster, "Endpoints"),
            queues=tuple(queue.name for queue in plan.queues),
            login=_read(login, "Id").apply(lambda group: _shell(plan.region, group)),
        )
        self.register_outputs({"clusterId": self.handle.cluster_id, "endpoints": self.handle.endpoints})

    def _make_cluster(self, name: str, plan: PcsPlan) -> cloudcontrol.Resource:
        accounting = {"Mode": "STANDARD" if plan.accounting else "NONE"}
        state = {
            "Name": plan.name,
            "Size": plan.size.value,
            "Scheduler": {"Type": "SLURM", "Version": plan.slurm_version},
            "Networking": {
                "SubnetIds": [self._network.subnet_ids[plan.subnet]],
                "SecurityGroupIds": [self._group_id],
            },
            "SlurmConfiguration": {
                "Accounting": accounting,
                "ScaleDownIdleTimeInSeconds": plan.scale_down_idle_s,
            },
        }
        return self._resource(f"{name}-controller", "AWS::PCS::Cluster", state)

    def _instance_profile(self, name: str, plan: PcsPlan) -> iam.InstanceProfile:
        """PCS takes a profile only when its role has such a name.

        It is made before the controller, which takes minutes: a profile that is seconds old is not there yet for
        everybody, and a node group of it fails (IAM User Guide, "Changes that I make are not always immediately
        visible").
        """
        child = pulumi.ResourceOptions(parent=self)
        self._role = iam.Role(
            f"{name}-nodes",
            name=f"AWSPCS-{plan.name}",
            assume_role_policy=json.dumps(_TRUST_EC2),
            tags={"Name": f"{name}-nodes"},
            opts=child,
        )
        session = iam.RolePolicyAttachment(
            f"{name}-session", role=self._role.name, policy_arn=_SESSION_POLICY, opts=child
        )
        profile = iam.InstanceProfile(
            f"{name}-nodes", name=f"AWSPCS-{plan.name}", role=self._role.name, tags={"Name": f"{name}-nodes"},
            opts=child,
        )  # fmt: skip
        self._before += [session, profile]
        return profile

    def _may_register(self, name: str) -> iam.RolePolicy:
        """The right of a node to become one of a cluster's. On every resource, as PCS's own profile has it: that a
        cluster's ARN is enough is published nowhere, and without the right no node joins (PCS User Guide, "IAM instance
        profiles").
        """
        return iam.RolePolicy(
            f"{name}-register",
            name="register",
            role=self._role.name,
            policy=allowing(["pcs:RegisterComputeNodeGroupInstance"], "*"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _node_group(
        self, name: str, plan: PcsPlan, group: NodeGroupPlan, profile: iam.InstanceProfile
    ) -> cloudcontrol.Resource:
        template = LaunchTemplate(
            f"{name}-{group.pool.name}",
            plan=group.pool,
            security_group_ids=[self._group_id],
            user_data=user_data(self._mounts, group.pool),
            root_device=plan.root_device,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        state = {
            "Name": group.pool.name,
            "ClusterId": _read(self._cluster, "Id"),
            "AmiId": plan.ami_id,
            "InstanceConfigs": [{"InstanceType": machine.name} for machine in group.pool.machine_types],
            "CustomLaunchTemplate": {"TemplateId": template.id, "Version": template.version},
            "IamInstanceProfileArn": profile.arn,
            "PurchaseOption": group.purchase_option,
            "ScalingConfiguration": {"MinInstanceCount": group.min_count, "MaxInstanceCount": group.max_count},
            "SlurmConfiguration": {
                "SlurmCustomSettings": [{"ParameterName": "Weight", "ParameterValue": str(group.weight)}]
            },
            "SubnetIds": [self._network.subnet_ids[subnet] for subnet in group.subnets],
        }
        return self._resource(f"{name}-{group.pool.name}", "AWS::PCS::ComputeNodeGroup", state)

    def _queue(self, name: str, queue: PartitionPlan, groups: Mapping[str, cloudcontrol.Resource]) -> None:
        state = {
            "Name": queue.name,
            "ClusterId": _read(self._cluster, "Id"),
            "ComputeNodeGroupConfigurations": [
                {"ComputeNodeGroupId": _read(groups[group], "Id")} for group in queue.groups
            ],
        }
        self._resource(f"{name}-{queue.name}-queue", "AWS::PCS::Queue", state)

    def _resource(self, name: str, type_name: str, state: Mapping[str, Any]) -> cloudcontrol.Resource:
        return cloudcontrol.Resource(
            name,
            type_name=type_name,
            desired_state=pulumi.Output.json_dumps({**state, "Tags": self._tags | {"Name": name}}, sort_keys=True),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self._before)),
        )


_TRUST_EC2 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_SESSION_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
"""A shell on a node without a key or an open port."""


def _shell(region: str, group: str) -> str:
    """PCS tags each machine with its group (PCS User Guide, "Tags that PCS adds")."""
    filters = f"Name=tag:aws:pcs:compute-node-group-id,Values={group} Name=instance-state-name,Values=running"
    query = "--query 'Reservations[0].Instances[0].InstanceId' --output text"
    found = f"aws ec2 describe-instances --region {region} --filters {filters} {query}"
    return f"aws ssm start-session --region {region} --target $({found})"


def _read(resource: cloudcontrol.Resource, name: str) -> pulumi.Output[Any]:
    """A property that AWS has decided."""
    return resource.properties.apply(lambda properties: json.loads(properties)[name])
