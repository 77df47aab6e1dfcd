"""SageMaker HyperPod on the stack's EKS cluster, decided: the pools that it runs instead of EKS."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from components.errors import Problem, SpecError
from components.plan.cluster import Taint
from components.plan.part import BillLine, Decision, PartPlan
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.aws.control_plane.hyper_pod.commands import COMMANDS
from providers.aws.network.types import NetworkPlan
from providers.aws.sagemaker_machine_types import HYPER_POD_MACHINE_TYPES
from providers.aws.settings import AwsSpec, HyperPodSpec
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, OnDemandCapacity, ReservedCapacity, SpotCapacity
from providers.aws.versions import default_version

KUBERNETES_VERSIONS = ("1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34")
"""That HyperPod joins (SageMaker Developer Guide, "Getting started with Amazon EKS support", 2026)."""

_CHART_FIRST = (
    "false: HyperPod makes a cluster only where its own Helm chart is on the EKS cluster already, and no registry has "
    "that chart; run `up` without aws.hyperPod, its pools (one small pool is enough) and storage.fileSystem, then "
    f"{COMMANDS}, and set it to true"
)
"""SageMaker Developer Guide, "Installing packages on the Amazon EKS cluster using Helm": without, creation fails."""

_LONGEST_NAME = 63
"""Of a cluster (SageMaker API)."""

_MOST_NODES = 6758
"""Of an instance group (SageMaker API)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceGroupPlan:
    pool: str
    """Its name, and the group's."""
    machine_type: str
    """SageMaker's name: `ml.p5.48xlarge`."""
    count: int
    disk_gib: int
    """A second disk, at /opt/sagemaker; the root's size is HyperPod's."""
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    subnets: tuple[str, ...]
    """Names of the network plan's subnets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperPodPlan:
    name: str
    groups: tuple[InstanceGroupPlan, ...]
    lifecycle_scripts: str
    health_checks: tuple[str, ...]
    """That a node must pass before it joins."""
    training_plan: str | None
    decisions: tuple[Decision, ...]


def plan_hyper_pod(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> HyperPodPlan | None:
    """The pools that HyperPod runs; None where the stack asks for none. SpecError with all that it cannot do."""
    asked = settings.hyper_pod
    if asked is None:
        return None
    chosen = tuple(pool for pool in pools if pool.name in asked.pools)
    problems = [
        *_asked_problems(asked, spec, stack),
        *chain.from_iterable(_pool_problems(pool) for pool in chosen),
    ]
    if problems:
        raise SpecError(problems)
    return HyperPodPlan(
        name=stack,
        groups=tuple(_group(pool, network) for pool in chosen),
        lifecycle_scripts=asked.lifecycle_scripts,
        health_checks=("InstanceStress", "InstanceConnectivity") if asked.deep_health_checks else (),
        training_plan=asked.training_plan,
        decisions=tuple(_decided(chosen)),
    )


def bill(plan: HyperPodPlan, region: str) -> tuple[BillLine, ...]:
    """A line for each group, without a price: SageMaker has its own for each machine type, above EC2's."""
    paid = "paid with the training plan" if plan.training_plan else "the price is not in penstock's tables"
    return tuple(
        BillLine(
            what=f"HyperPod, {group.pool}, {group.machine_type} in {region}",
            count=group.count,
            unit_usd_per_hour=None,
            prepaid=plan.training_plan is not None,
            source=paid,
        )
        for group in plan.groups
    )


def part(plan: HyperPodPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The groups of machines that HyperPod runs."""
    return PartPlan(decisions=plan.decisions, bill=bill(plan, spec.cluster.region or ""))


def _asked_problems(asked: HyperPodSpec, spec: StackSpec, stack: str) -> Iterator[Problem]:
    names = [pool.name for pool in spec.cluster.node_pools]
    for index, name in enumerate(asked.pools):
        path = f"aws.hyperPod.pools.{index}"
        if name not in names:
            hint = suggestion(name, names) or f"; available: {', '.join(names)}"
            yield Problem(path=path, message=f"{name!r} is not a pool of cluster.nodePools{hint}")
        elif name in asked.pools[:index]:
            yield Problem(path=path, message=f"{name!r} is named twice; remove one")
    if not asked.chart_installed:
        yield Problem(path="aws.hyperPod.chartInstalled", message=_CHART_FIRST)
    version = spec.cluster.kubernetes_version or default_version()
    if version not in KUBERNETES_VERSIONS:
        what = f"{version!r} is not a version that HyperPod supports; set {KUBERNETES_VERSIONS[-1]!r}"
        yield Problem(path="cluster.kubernetesVersion", message=f"{what}, or remove aws.hyperPod")
    if len(stack) > _LONGEST_NAME:
        what = f"{stack!r} is longer than the {_LONGEST_NAME} characters of a HyperPod cluster; choose a shorter name"
        yield Problem(path="stack", message=what)


def _pool_problems(pool: AwsNodePoolPlan) -> Iterator[Problem]:
    path = f"cluster.nodePools.{pool.name}"
    machine_type = _machine_type(pool)
    if machine_type not in HYPER_POD_MACHINE_TYPES:
        hint = suggestion(machine_type, sorted(HYPER_POD_MACHINE_TYPES)).replace("ml.", "")
        what = f"{pool.machine.name!r} is not a machine type of HyperPod{hint}"
        yield Problem(path=f"{path}.machineType", message=f"{what}; or take {pool.name} out of aws.hyperPod.pools")
    if problem := _capacity_problem(pool):
        yield Problem(path=f"{path}.capacity", message=problem)
    if pool.max_count > _MOST_NODES:
        what = f"{pool.max_count} nodes, but a HyperPod group has at most {_MOST_NODES}; lower count, or split the pool"
        yield Problem(path=f"{path}.count", message=what)
    if pool.min_count != pool.max_count:
        what = f"{pool.min_count} to {pool.max_count} nodes, but a HyperPod group has a fixed size"
        yield Problem(path=f"{path}.maxCount", message=f"{what}; remove minCount and maxCount")


def _capacity_problem(pool: AwsNodePoolPlan) -> str | None:
    remedy = "set onDemand here and the plan's ARN as aws.hyperPod.trainingPlan"
    match pool.capacity:
        case OnDemandCapacity():
            return None
        case SpotCapacity():
            return "spot: HyperPod's machines are on demand or of a training plan; set onDemand"
        case ReservedCapacity(reservation=reserved):
            return f"{reserved}: SageMaker cannot use EC2 reservations; buy a training plan, {remedy}"
        case BlockCapacity(reservation=reserved):
            return f"{reserved}: SageMaker cannot use EC2 capacity blocks; buy a training plan, {remedy}"


def _group(pool: AwsNodePoolPlan, network: NetworkPlan) -> InstanceGroupPlan:
    return InstanceGroupPlan(
        pool=pool.name,
        machine_type=_machine_type(pool),
        count=pool.node_count,
        disk_gib=pool.root_disk_gib,
        labels=pool.labels,
        taints=pool.taints,
        subnets=tuple(subnet.name for subnet in network.node_subnets(pool.zones)),
    )


def _machine_type(pool: AwsNodePoolPlan) -> str:
    return f"ml.{pool.machine.name}"


def _decided(pools: tuple[AwsNodePoolPlan, ...]) -> Iterator[Decision]:
    for pool in pools:
        reason = "named in aws.hyperPod.pools; its second disk at /opt/sagemaker has the size of rootDiskGib"
        yield Decision(path=f"cluster.nodePools.{pool.name}", value=f"HyperPod, {_machine_type(pool)}", reason=reason)
