"""AWS Batch: for each pool an environment of machines, a queue, and the definition of a gang."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import batch, ec2, iam, vpc

from providers.aws.control_plane.batch_plan import BatchPlan, BatchPoolPlan
from providers.aws.control_plane.host_mounts import HostMount, user_data
from providers.aws.control_plane.identity import role_of
from providers.aws.network.handle import NetworkHandle
from providers.aws.nodes.launch_template import LaunchTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHandle:
    queue_arns: Mapping[str, pulumi.Output[str]]
    """By the pool's name."""
    job_definition_arns: Mapping[str, pulumi.Output[str]]


class Batch(pulumi.ComponentResource):
    """Queues of gangs. `aws batch submit-job` with a queue and a definition of the handle starts one."""

    handle: BatchHandle

    def __init__(
        self,
        name: str,
        *,
        plan: BatchPlan,
        network: NetworkHandle,
        mounts: Sequence[HostMount] = (),
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`mounts` are made on every machine, at the paths of the plan. `tags` go on what it launches."""
        super().__init__("penstock:aws:Batch", name, None, opts)
        self._network, self._tags = network, dict(tags or {})
        self._before_nodes: list[pulumi.Resource] = list(network.ready)
        self._profile = self._instance_profile(name)
        self._group_id = self._security_group(name)
        data = user_data(mounts)
        queues = {each.pool.name: self._queue(name, each, data) for each in plan.pools}
        definitions = {each.pool.name: self._definition(name, each) for each in plan.pools}
        self.handle = BatchHandle(queue_arns=queues, job_definition_arns=definitions)
        self.register_outputs({"queueArns": queues, "jobDefinitionArns": definitions})

    def _instance_profile(self, name: str) -> iam.InstanceProfile:
        """What Batch's agent on a machine needs, and a shell without a key or an open port."""
        allowed = ["service-role/AmazonEC2ContainerServiceforEC2Role", "AmazonSSMManagedInstanceCore"]
        nodes = role_of("ec2.amazonaws.com", f"{name}-nodes", managed=allowed, parent=self)
        self._before_nodes += nodes.attached
        return iam.InstanceProfile(
            f"{name}-nodes",
            role=nodes.role.name,
            tags={"Name": f"{name}-nodes"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _security_group(self, name: str) -> pulumi.Output[str]:
        """Of the machines and of the container on each, which has an interface of its own: the ranks' TCP traffic."""
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{name}-gang",
            description="Nodes of a gang",
            vpc_id=self._network.vpc_id,
            tags={"Name": f"{name}-gang"},
            opts=child,
        )
        among_themselves = vpc.SecurityGroupIngressRule(
            f"{name}-gang-in",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            tags={"Name": f"{name}-gang-in"},
            opts=child,
        )
        everywhere = vpc.SecurityGroupEgressRule(
            f"{name}-gang-out",
            security_group_id=group.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="-1",
            tags={"Name": f"{name}-gang-out"},
            opts=child,
        )
        self._before_nodes += [among_themselves, everywhere]
        return group.id

    def _queue(self, name: str, plan: BatchPoolPlan, data: pulumi.Output[str] | None) -> pulumi.Output[str]:
        environment = batch.ComputeEnvironment(
            f"{name}-{plan.pool.name}",
            name=plan.name,
            type="MANAGED",
            state="ENABLED",
            compute_resources=self._machines(name, plan, data),
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self._before_nodes)),
        )
        queue = batch.JobQueue(
            f"{name}-{plan.pool.name}",
            name=plan.name,
            state="ENABLED",
            priority=1,
            compute_environment_orders=[
                batch.JobQueueComputeEnvironmentOrderArgs(order=1, compute_environment=environment.arn)
            ],
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return queue.arn

    def _machines(
        self, name: str, plan: BatchPoolPlan, data: pulumi.Output[str] | None
    ) -> batch.ComputeEnvironmentComputeResourcesArgs:
        """With BEST_FIT, Batch's default, another launch template would need another environment."""
        groups = self._groups_of(plan)
        template = LaunchTemplate(
            f"{name}-{plan.pool.name}",
            plan=plan.pool,
            security_group_ids=groups,
            user_data=data,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        image = batch.ComputeEnvironmentComputeResourcesEc2ConfigurationArgs(
            image_type=plan.image_type, image_id_override=plan.ami_id
        )
        return batch.ComputeEnvironmentComputeResourcesArgs(
            type="EC2",
            allocation_strategy="BEST_FIT_PROGRESSIVE",
            min_vcpus=plan.min_vcpus,
            max_vcpus=plan.max_vcpus,
            instance_types=[plan.pool.machine.name],
            instance_role=self._profile.arn,
            ec2_configurations=[image],
            launch_template=batch.ComputeEnvironmentComputeResourcesLaunchTemplateArgs(
                launch_template_id=template.id, version=template.version
            ),
            security_group_ids=groups,
            subnets=[self._network.subnet_ids[subnet] for subnet in plan.subnets],
        )

    def _groups_of(self, plan: BatchPoolPlan) -> list[pulumi.Output[str]]:
        fabric = self._network.fabric_security_group_id
        return [self._group_id, *([fabric] if fabric is not None and plan.pool.efa_devices else [])]

    def _definition(self, name: str, plan: BatchPoolPlan) -> pulumi.Output[str]:
        definition = batch.JobDefinition(
            f"{name}-{plan.pool.name}",
            name=plan.name,
            type="multinode",
            node_properties=plan.job.node_properties(),
            retry_strategy=batch.JobDefinitionRetryStrategyArgs(attempts=plan.job.attempts),
            propagate_tags=True,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return definition.arn
