"""AWS Batch, decided: for each pool an environment of machines, a queue, and the definition of a gang."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.errors import Problem, SpecError
from components.fabric import Collective
from components.plan.images import ImageUse
from components.plan.part import Decision, PartPlan
from components.spec.stack import StackSpec
from providers.aws.control_plane.no_kubernetes import kubernetes_only
from providers.aws.network.types import NetworkPlan
from providers.aws.settings import AwsBatchSpec, AwsSpec
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, SpotCapacity

_LONGEST_NAME = 40
"""Of the stack. Queues may have 128 characters (Batch API), but the roles of Batch and of the network's flow logs are
named after the stack too, and have 64 with their random end (IAM API, RoleName)."""

_HOST_SHARE = 8
"""An eighth of a machine's memory stays with its kernel, its agent and the page cache. Nitro nodes were measured to
show 2.3 to 4.2 % less than the nominal memory from 16 GiB up, 6.5 % at 8 GiB; the agent registers that less 32 MiB, and
Batch recommends 5 % for the system (User Guide, "Reserve system memory"). EFA's huge pages are 7.8 % of the smallest
machine that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GangPlan:
    """A container on each node of one gang. It has its node for itself."""

    nodes: int
    image: str
    command: tuple[str, ...]
    vcpus: int
    memory_mib: int
    shared_memory_mib: int
    gpus: int
    devices: tuple[str, ...]
    """Of the host: the fabric's, and those of accelerators that Batch has no resource for."""
    env: Mapping[str, str]
    mounts: tuple[str, ...]
    """Paths of the host, which the container has at the same place."""
    attempts: int

    def node_properties(self, job_role_arn: str) -> str:
        """The document of Batch's API: `nodeProperties` in JSON. `job_role_arn`: what its containers may do."""
        nodes = {"targetNodes": "0:", "container": {**self._container(), "jobRoleArn": job_role_arn}}
        return json.dumps({"numNodes": self.nodes, "mainNode": 0, "nodeRangeProperties": [nodes]}, sort_keys=True)

    def _container(self) -> Mapping[str, Any]:
        needs = {"VCPU": self.vcpus, "MEMORY": self.memory_mib, "GPU": self.gpus}
        volumes = {path.strip("/").replace("/", "-"): path for path in self.mounts}
        return {
            "image": self.image,
            "command": list(self.command),
            "resourceRequirements": [{"type": kind, "value": str(value)} for kind, value in needs.items() if value],
            "environment": [{"name": name, "value": value} for name, value in sorted(self.env.items())],
            "linuxParameters": {
                "sharedMemorySize": self.shared_memory_mib,
                "devices": [
                    {"hostPath": path, "containerPath": path, "permissions": ["READ", "WRITE", "MKNOD"]}
                    for path in self.devices
                ],
            },
            "ulimits": [{"name": "memlock", "softLimit": -1, "hardLimit": -1}],
            "volumes": [{"name": name, "host": {"sourcePath": path}} for name, path in volumes.items()],
            "mountPoints": [{"sourceVolume": name, "containerPath": path} for name, path in volumes.items()],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPoolPlan:
    """A pool as Batch runs it: no machine while its queue is empty."""

    name: str
    """Of its environment, its queue and its job definition."""
    pool: AwsNodePoolPlan
    image_type: str
    ami_id: str | None
    subnets: tuple[str, ...]
    """Names of the network plan's; of one zone, where a gang has several nodes."""
    min_vcpus: int
    max_vcpus: int
    job: GangPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    name: str
    region: str
    pools: tuple[BatchPoolPlan, ...]
    decisions: tuple[Decision, ...]

    @property
    def images(self) -> tuple[ImageUse, ...]:
        """Of its jobs."""
        path = "aws.controlPlane.image"
        return tuple(ImageUse(image=one.job.image, pool=one.pool.name, asked_at=path) for one in self.pools)


def plan_batch(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> BatchPlan:
    """A queue of gangs for each pool. SpecError where Batch cannot run the pool's machines, with all of it."""
    asked = settings.control_plane
    assert isinstance(asked, AwsBatchSpec)
    problems = [problem for pool in pools for problem in _pool_problems(pool, asked, spec.cluster.region or "")]
    problems += kubernetes_only(spec, "batch", "Batch")
    problems += _processor_problems(pools, asked)
    if len(stack) > _LONGEST_NAME:
        what = f"{stack!r} is longer than {_LONGEST_NAME} characters, and roles are named after it; shorten it"
        problems.append(Problem(path="stack", message=what))
    if problems:
        raise SpecError(problems)
    mounts = tuple(path for _, path in spec.storage.mount_paths())
    planned = tuple(_pool(pool, asked, network, mounts, stack) for pool in pools)
    return BatchPlan(name=stack, region=network.region, pools=planned, decisions=tuple(_decided(planned)))


def part(plan: BatchPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The queue: Batch itself is free, and its machines are on the bill of the pools."""
    return PartPlan(decisions=plan.decisions)


def _pool_problems(pool: AwsNodePoolPlan, asked: AwsBatchSpec, region: str) -> Iterator[Problem]:
    path = f"cluster.nodePools.{pool.name}"
    match pool.capacity:
        case SpotCapacity():
            what = "spot: jobs of several nodes do not run on spot machines under Batch"
            yield Problem(path=f"{path}.capacity", message=f"{what}; set onDemand, or a reservation")
        case BlockCapacity(reservation=block):
            what = f"{block}: a Batch compute environment is on demand or spot and cannot use a capacity block"
            yield Problem(path=f"{path}.capacity", message=f"{what}; set aws.controlPlane.kind to eks or pcs")
        case _:
            pass
    if len(pool.zones) > 1 and pool.node_count > 1:
        what = f"{', '.join(pool.zones)}: all nodes of a gang must be in one zone; give the pool a zone"
        yield Problem(path=f"{path}.zone", message=what)
    if pool.node_count < 1:
        yield Problem(
            path=f"{path}.count", message="0: a gang needs a node at least; give its size, or remove the pool"
        )
    yield from _image_problems(pool, asked, region)


def _image_problems(pool: AwsNodePoolPlan, asked: AwsBatchSpec, region: str) -> Iterator[Problem]:
    if not (asked.image or pool.own_image):
        what = f"is missing: penstock's own image does not run on {pool.machine.name}; name one that does"
        yield Problem(path="aws.controlPlane.image", message=what)
    if pool.collective is Collective.NEURON and asked.ami_id is None:
        parameter = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id"
        command = f"aws ssm get-parameter --region {region} --name {parameter}"
        what = f"Batch has no image of its own for {pool.machine.name}; give the id of one with Neuron: {command}"
        yield Problem(path="aws.controlPlane.amiId", message=what)


def _processor_problems(pools: tuple[AwsNodePoolPlan, ...], asked: AwsBatchSpec) -> Iterator[Problem]:
    """One image starts on one kind of processor (Batch API, Ec2Configuration.imageIdOverride)."""
    if asked.ami_id is not None and len({pool.machine.arch for pool in pools}) > 1:
        kinds = ", ".join(f"{pool.name} is {pool.machine.arch}" for pool in pools)
        message = f"{asked.ami_id!r} fits only one of these: {kinds}; leave it out, or give each its own stack"
        yield Problem(path="aws.controlPlane.amiId", message=message)


def _pool(
    pool: AwsNodePoolPlan, asked: AwsBatchSpec, network: NetworkPlan, mounts: tuple[str, ...], stack: str
) -> BatchPoolPlan:
    return BatchPoolPlan(
        name=f"{stack}-{pool.name}",
        pool=pool,
        image_type="ECS_AL2023_NVIDIA" if pool.collective is Collective.NCCL else "ECS_AL2023",
        ami_id=asked.ami_id,
        subnets=tuple(subnet.name for subnet in network.node_subnets(pool.zones)),
        min_vcpus=0,
        max_vcpus=pool.max_count * pool.machine.cores,
        job=_job(pool, asked, mounts),
    )


def _job(pool: AwsNodePoolPlan, asked: AwsBatchSpec, mounts: tuple[str, ...]) -> GangPlan:
    memory_mib = int(pool.machine.memory_gib * 1024) * (_HOST_SHARE - 1) // _HOST_SHARE
    return GangPlan(
        nodes=pool.node_count,
        image=asked.image or pool.own_image,
        command=asked.command,
        vcpus=pool.machine.cores,
        memory_mib=memory_mib,
        shared_memory_mib=memory_mib // 4,
        gpus=pool.machine.accelerator_count if pool.collective is Collective.NCCL else 0,
        devices=(*_fabric_devices(pool), *_neuron_devices(pool)),
        env=_env(pool),
        mounts=mounts,
        attempts=asked.attempts,
    )


def _fabric_devices(pool: AwsNodePoolPlan) -> tuple[str, ...]:
    """One for each EFA interface, in the order of the launch template (Batch User Guide, EFA)."""
    return tuple(f"/dev/infiniband/uverbs{index}" for index in range(pool.efa_devices))


def _env(pool: AwsNodePoolPlan) -> Mapping[str, str]:
    """The pool's, but for the interface: a container of Batch has the agent's `ecs-eth0` beside its own."""
    env = {name: value for name, value in pool.binding.env.items() if name != _INTERFACE}
    return env | ({_INTERFACE: "^lo,docker,ecs"} if pool.collective is Collective.NCCL else {})


_INTERFACE = Collective.NCCL.interface_variable


def _neuron_devices(pool: AwsNodePoolPlan) -> tuple[str, ...]:
    """Batch has a resource for GPUs only; a Neuron chip is a device of the host."""
    if pool.collective is not Collective.NEURON:
        return ()
    return tuple(f"/dev/neuron{index}" for index in range(pool.machine.accelerator_count))


def _decided(pools: tuple[BatchPoolPlan, ...]) -> Iterator[Decision]:
    for planned in pools:
        pool, job = planned.pool, planned.job
        path = f"cluster.nodePools.{pool.name}"
        if pool.least_in_group:
            reason = "Batch starts machines for a job and ends them when its queue is empty"
            yield Decision(path=f"{path}.minCount", value="0", reason=reason)
        reason = f"7/8 of {pool.machine.memory_gib:g} GiB: the rest is left to kernel, agent and page cache"
        yield Decision(path=f"{path}.job.memory", value=f"{job.memory_mib} MiB", reason=reason)
        if pool.efa_devices and planned.ami_id is None:
            yield Decision(path="aws.controlPlane.amiId", value=f"{planned.image_type}, Batch's newest", reason=_EFA)


_EFA = (
    "a job's container brings EFA's libraries, and Amazon Linux's kernel the driver, as in AWS's own template for P6 on"
    " Batch; no guide says so of this image: where jobs find no /dev/infiniband/uverbs0, name another"
)
"""aws-samples/awsome-distributed-training, 1.architectures/3.aws-batch, aws-batch-distributed-training-p6.yaml: Batch's
own image, EFA's interfaces and devices, and no user data. bottlerocket-os/bottlerocket-kernel-kit#313: the driver is in
Amazon Linux's kernel, and some versions behind. The installer in user data would build a driver for minutes
on each start, beside one that may be there. Batch User Guide, "Elastic Fabric Adapter": the AMI has the driver."""
