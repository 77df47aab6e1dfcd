"""AWS Batch: for each pool an environment of machines, a queue, and the definition of a gang."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import batch, iam

from components.images import STACK_REGISTRY
from providers.aws.control_plane.batch.plan import BatchPlan, BatchPoolPlan
from providers.aws.control_plane.host_mounts import HostMount, user_data
from providers.aws.control_plane.identity import role_of
from providers.aws.images.address import registry_beside
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

    def __init__(  # noqa: PLR0913 (what surrounds a queue, by name)
        self,
        name: str,
        *,
        plan: BatchPlan,
        network: NetworkHandle,
        mounts: Sequence[HostMount] = (),
        after: Sequence[pulumi.Resource] = (),
        rights: pulumi.Output[str] | None = None,
        tags: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`mounts` are made on every machine, at the paths of the plan, and work `after` these. `rights`: a policy of
        what jobs may do on AWS; None for nothing. `tags` go on what it launches.
        """
        super().__init__("penstock:aws:Batch", name, None, opts)
        self._network, self._tags = network, dict(tags or {})
        self._before_nodes: list[pulumi.Resource] = [*network.ready, *after]
        self._profile = self._instance_profile(name)
        assert network.gang_security_group_id is not None, "the network's plan knows that Batch needs it"
        self._group_id = network.gang_security_group_id
        self._job_role = self._role_of_jobs(name, rights)
        self._registry = registry_beside(self._job_role, plan.region, plan.name)
        data = user_data(mounts)
        queues = {each.pool.name: self._queue(name, each, data) for each in plan.pools}
        definitions = {each.pool.name: self._definition(name, each) for each in plan.pools}
        self.handle = BatchHandle(queue_arns=queues, job_definition_arns=definitions)
        self.register_outputs({"queueArns": queues, "jobDefinitionArns": definitions})

    def _instance_profile(self, name: str) -> iam.InstanceProfile:
        """Instance profile for Batch's agent on a machine, and for a shell without a key or an open port."""
        allowed = ["service-role/AmazonEC2ContainerServiceforEC2Role", "AmazonSSMManagedInstanceCore"]
        nodes = role_of("ec2.amazonaws.com", f"{name}-nodes", managed=allowed, parent=self)
        self._before_nodes += nodes.attached
        return iam.InstanceProfile(
            f"{name}-nodes",
            role=nodes.role.name,
            tags={"Name": f"{name}-nodes"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role_of_jobs(self, name: str, rights: pulumi.Output[str] | None) -> pulumi.Output[str]:
        """Role of a job's containers, which else would act as the machine does (Batch User Guide, "Job role")."""
        jobs = role_of("ecs-tasks.amazonaws.com", f"{name}-jobs", parent=self)
        if rights is not None:
            iam.RolePolicy(
                f"{name}-jobs-stores",
                role=jobs.role.name,
                policy=rights,
                opts=pulumi.ResourceOptions(parent=self),
            )
        return jobs.role.arn

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
        """With BEST_FIT, Batch's default, another launch template would need another environment. Security groups
        stand on the template's interfaces alone: Batch refuses an environment that names them too (aws/aws-cdk#21577).
        """
        template = LaunchTemplate(
            f"{name}-{plan.pool.name}",
            plan=plan.pool,
            security_group_ids=[self._group_id],
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
            subnets=[self._network.subnet_ids[subnet] for subnet in plan.subnets],
        )

    def _definition(self, name: str, plan: BatchPoolPlan) -> pulumi.Output[str]:
        known = pulumi.Output.all(self._job_role, self._registry)
        definition = batch.JobDefinition(
            f"{name}-{plan.pool.name}",
            name=plan.name,
            type="multinode",
            node_properties=known.apply(lambda said: _with_registry(plan.job.node_properties(said[0]), said[1])),
            retry_strategy=batch.JobDefinitionRetryStrategyArgs(attempts=plan.job.attempts),
            propagate_tags=True,
            tags={"Name": plan.name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return definition.arn


def _with_registry(properties: str, address: str) -> str:
    return properties.replace(STACK_REGISTRY, address)
