"""Slurm on AWS, decided: one controller of PCS, and for each pool a compute node group with a queue of its own."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from components.errors import Problem, SpecError
from components.plan.types import BillLine, Decision
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.aws.control_plane.no_kubernetes import kubernetes_only
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.types import (
    AwsNodePoolPlan,
    BlockCapacity,
    OnDemandCapacity,
    ReservedCapacity,
    SpotCapacity,
)
from providers.aws.settings import AwsSpec, PcsSize, PcsSpec

SLURM_VERSIONS = ("24.11", "25.05", "25.11", "26.05")
"""What PCS creates (PCS API, SchedulerRequest.version, botocore 1.44)."""

MOST_NODES = {PcsSize.SMALL: 32, PcsSize.MEDIUM: 512, PcsSize.LARGE: 2048}
"""Nodes that a controller of each size manages (PCS User Guide, cluster sizes)."""

_CLUSTER_NAME = re.compile(r"(?!pcs_)[A-Za-z][A-Za-z0-9-]{2,39}")
_GROUP_NAME = re.compile(r"(?!pcs_)[A-Za-z][A-Za-z0-9-]{2,24}")
"""PCS API: clusterName, computeNodeGroupName and queueName."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroupPlan:
    """A pool as PCS runs it. Slurm sees it as a partition of the pool's name."""

    pool: AwsNodePoolPlan
    purchase_option: str
    """PCS's word: a capacity reservation is bought on demand, and its launch template targets it."""
    min_count: int
    """Nodes that always run. The others start with a job and end when idle."""
    max_count: int
    subnets: tuple[str, ...]
    """Names of the network plan's subnets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PcsPlan:
    name: str
    size: PcsSize
    slurm_version: str
    ami_id: str
    accounting: bool
    scale_down_idle_s: int
    subnet: str
    """Where the controller has its interface: PCS takes exactly one."""
    groups: tuple[NodeGroupPlan, ...]
    decisions: tuple[Decision, ...]


def plan_pcs(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> PcsPlan:
    """The controller and its node groups. SpecError where PCS or Slurm cannot do what is asked, with all of it."""
    asked = settings.control_plane
    assert isinstance(asked, PcsSpec)
    problems = [*_name_problems(stack, pools), *_controller_problems(asked, spec.cluster.region or "", pools)]
    problems += kubernetes_only(spec, "pcs", "Slurm")
    if problems:
        raise SpecError(problems)
    return PcsPlan(
        name=stack,
        size=asked.size or _smallest(_nodes(pools)),
        slurm_version=asked.slurm_version,
        ami_id=str(asked.ami_id),
        accounting=asked.accounting,
        scale_down_idle_s=asked.scale_down_idle_s,
        subnet=_controller_subnet(pools, network),
        groups=tuple(_group(pool, network) for pool in pools),
        decisions=tuple(_decided(asked, pools)),
    )


def bill(plan: PcsPlan, region: str) -> tuple[BillLine, ...]:
    """The controller; its nodes are on the bill of the pools. No price of PCS is known here."""
    what = f"Slurm controller, {plan.size}, in {region}"
    lines = [BillLine(what=what, count=1, unit_usd_per_hour=None, source=_UNPRICED)]
    if plan.accounting:
        what = f"Slurm accounting, {plan.size}, in {region}"
        lines.append(BillLine(what=what, count=1, unit_usd_per_hour=None, source=_UNPRICED))
    return tuple(lines)


_UNPRICED = "AWS's price list for PCS was not read"


def decisions(plan: PcsPlan) -> tuple[Decision, ...]:
    return plan.decisions


def _name_problems(stack: str, pools: tuple[AwsNodePoolPlan, ...]) -> Iterator[Problem]:
    if not _CLUSTER_NAME.fullmatch(stack):
        what = "is not a name that PCS takes for a cluster: 3 to 40 letters, digits and dashes, a letter first"
        yield Problem(path="stack", message=f"{stack!r} {what}; choose another name for the stack")
    for pool in pools:
        if not _GROUP_NAME.fullmatch(pool.name):
            what = "is not a name that PCS takes for a queue: 3 to 25 letters, digits and dashes, a letter first"
            yield Problem(path=f"cluster.nodePools.{pool.name}.name", message=f"{pool.name!r} {what}")


def _controller_problems(asked: PcsSpec, region: str, pools: tuple[AwsNodePoolPlan, ...]) -> Iterator[Problem]:
    path = "aws.controlPlane"
    if asked.slurm_version not in SLURM_VERSIONS:
        hint = suggestion(asked.slurm_version, SLURM_VERSIONS)
        what = f"{asked.slurm_version!r} is not a version that PCS creates; there is {', '.join(SLURM_VERSIONS)}{hint}"
        yield Problem(path=f"{path}.slurmVersion", message=what)
    if asked.ami_id is None:
        yield Problem(path=f"{path}.amiId", message=_how_to_find_an_image(asked.slurm_version, region))
    most, nodes = MOST_NODES[asked.size or PcsSize.LARGE], _nodes(pools)
    if nodes > most:
        larger = [f"{size} ({MOST_NODES[size]})" for size in PcsSize if MOST_NODES[size] >= nodes]
        remedy = f"choose {larger[0]}" if larger else "make the pools smaller, or two stacks of them"
        what = f"{nodes} nodes at most, but a controller of size {asked.size or PcsSize.LARGE} manages {most}; {remedy}"
        yield Problem(path=f"{path}.size" if asked.size else "cluster.nodePools", message=what)


def _how_to_find_an_image(slurm_version: str, region: str) -> str:
    command = f"aws ec2 describe-images --region {region} --owners amazon --query 'sort_by(Images,&CreationDate)[-1]'"
    name = f"--filters 'Name=name,Values=aws-pcs-sample_ami-al2023-x86_64-slurm-{slurm_version}*'"
    return f"PCS has no default image; give the id of one with Slurm {slurm_version} in it: {command} {name}"


def _nodes(pools: Iterable[AwsNodePoolPlan]) -> int:
    return sum(pool.max_count for pool in pools)


def _smallest(nodes: int) -> PcsSize:
    return next(size for size in PcsSize if MOST_NODES[size] >= nodes)


def _controller_subnet(pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan) -> str:
    """Beside the first pool's nodes: no traffic of the controller then crosses zones."""
    return network.node_subnets(pools[0].zones)[0].name


def _group(pool: AwsNodePoolPlan, network: NetworkPlan) -> NodeGroupPlan:
    return NodeGroupPlan(
        pool=pool,
        purchase_option=_purchase_option(pool),
        min_count=0 if isinstance(pool.capacity, BlockCapacity) else pool.min_count,
        max_count=pool.max_count,
        subnets=tuple(subnet.name for subnet in network.node_subnets(pool.zones)),
    )


def _purchase_option(pool: AwsNodePoolPlan) -> str:
    match pool.capacity:
        case OnDemandCapacity() | ReservedCapacity():
            return "ONDEMAND"
        case SpotCapacity():
            return "SPOT"
        case BlockCapacity():
            return "CAPACITY_BLOCK"


def _decided(asked: PcsSpec, pools: tuple[AwsNodePoolPlan, ...]) -> Iterator[Decision]:
    nodes = _nodes(pools)
    if asked.size is None:
        size = _smallest(nodes)
        reason = f"the smallest for {nodes} nodes: it manages {MOST_NODES[size]}"
        yield Decision(path="aws.controlPlane.size", value=size, reason=reason)
    for pool in pools:
        if isinstance(pool.capacity, BlockCapacity) and pool.min_count:
            reason = "nodes start with a job: none can be had before the capacity block begins"
            yield Decision(path=f"cluster.nodePools.{pool.name}.minCount", value="0", reason=reason)
