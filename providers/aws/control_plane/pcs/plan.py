"""Slurm on AWS, decided: one controller of PCS, and for each pool a compute node group with a queue of its own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.errors import Problem, SpecError
from components.fabric import Collective
from components.plan.part import BillLine, Decision, PartPlan
from components.spec.cluster import NodePoolSpec
from components.spec.explain import suggestion
from components.spec.stack import StackSpec
from providers.aws.catalog import Arch
from providers.aws.control_plane.no_kubernetes import kubernetes_only
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.plain_pool import machine_in, plain_pool
from providers.aws.nodes.refusals import fallback_name
from providers.aws.settings import AwsSpec, PcsSize, PcsSpec
from providers.aws.types import (
    AwsNodePoolPlan,
    BlockCapacity,
    OnDemandCapacity,
    ReservedCapacity,
    SpotCapacity,
)

SLURM_VERSIONS = ("24.11", "25.05", "25.11", "26.05")
"""Versions that PCS creates (PCS API, SchedulerRequest.version, botocore 1.44)."""

MOST_NODES = {PcsSize.SMALL: 32, PcsSize.MEDIUM: 512, PcsSize.LARGE: 2048}
"""Nodes that a controller of each size manages, login nodes among them (PCS User Guide, cluster sizes)."""

LOGIN = "login"
"""The group of the node that people submit from: PCS makes none by itself (PCS User Guide, "Login nodes")."""

LOGIN_MACHINES = {Arch.X86_64: ("m7i.xlarge", "c7i.2xlarge"), Arch.ARM64: ("m7g.xlarge", "m7g.2xlarge")}
"""The first that one of the network's zones offers, of the processors that the image is for."""

_CLUSTER_NAME = re.compile(r"(?!pcs_)[A-Za-z][A-Za-z0-9-]{2,39}")
_GROUP_NAME = re.compile(r"(?!pcs_)[A-Za-z][A-Za-z0-9-]{2,24}")
"""PCS API: clusterName, computeNodeGroupName and queueName."""


_FIRST, _LAST = 1, 100
"""Slurm's own weight, and that of machines which cost more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroupPlan:
    """A pool as PCS runs it."""

    pool: AwsNodePoolPlan
    purchase_option: str
    """PCS's word: a capacity reservation is bought on demand, and its launch template targets it."""
    min_count: int
    """Nodes that always run. The others start with a job and end when idle."""
    max_count: int
    subnets: tuple[str, ...]
    """Names of the network plan's subnets."""
    weight: int
    """Slurm takes nodes of the least weight first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionPlan:
    """A queue, which Slurm calls a partition. A spot pool's fallback is in the queue of the pool."""

    name: str
    groups: tuple[str, ...]
    """Names of the pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PcsPlan:
    name: str
    region: str
    size: PcsSize
    slurm_version: str
    ami_id: str
    root_device: str
    accounting: bool
    scale_down_idle_s: int
    subnet: str
    """Subnet of the controller's interface: PCS takes exactly one."""
    groups: tuple[NodeGroupPlan, ...]
    login: NodeGroupPlan
    """In no queue: jobs are submitted from it and do not run there."""
    queues: tuple[PartitionPlan, ...]
    decisions: tuple[Decision, ...]


def plan_pcs(
    spec: StackSpec, settings: AwsSpec, pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan, stack: str
) -> PcsPlan:
    """The controller and its node groups. SpecError where PCS or Slurm cannot do what is asked, with all of it."""
    asked = settings.control_plane
    assert isinstance(asked, PcsSpec)
    problems = [
        *_name_problems(stack, spec.cluster.node_pools),
        *_controller_problems(asked, spec.cluster.region or "", pools),
    ]
    problems += kubernetes_only(spec, "pcs", "Slurm")
    login = _login(pools, network)
    if login is None:
        problems.append(_no_login_machine(pools, network))
    if problems or login is None:
        raise SpecError(problems)
    return PcsPlan(
        name=stack,
        region=network.region,
        size=asked.size or _smallest(_nodes(pools)),
        slurm_version=asked.slurm_version,
        ami_id=str(asked.ami_id),
        root_device=asked.root_device,
        accounting=asked.accounting,
        scale_down_idle_s=asked.scale_down_idle_s,
        subnet=_controller_subnet(pools, network),
        groups=tuple(_group(pool, network, spec) for pool in pools),
        login=login,
        queues=tuple(_queue(pool, pools) for pool in spec.cluster.node_pools),
        decisions=tuple(_decided(asked, pools, login)),
    )


def bill(plan: PcsPlan, region: str) -> tuple[BillLine, ...]:
    """The controller; its nodes are on the bill of the pools. No price of PCS is known here."""
    what = f"Slurm controller, {plan.size}, in {region}"
    lines = [BillLine(what=what, count=1, unit_usd_per_hour=None, source=_UNPRICED)]
    if plan.accounting:
        what = f"Slurm accounting, {plan.size}, in {region}"
        lines.append(BillLine(what=what, count=1, unit_usd_per_hour=None, source=_UNPRICED))
    return tuple(lines)


_UNPRICED = "the price of PCS is not in penstock's tables"


def part(plan: PcsPlan, spec: StackSpec, billed: Sequence[AwsNodePoolPlan]) -> PartPlan:
    """The Slurm controller; its nodes are on the bill of the pools."""
    return PartPlan(decisions=plan.decisions, bill=bill(plan, spec.cluster.region or ""))


def _name_problems(stack: str, pools: Iterable[NodePoolSpec]) -> Iterator[Problem]:
    if not _CLUSTER_NAME.fullmatch(stack):
        what = "is not a name that PCS takes for a cluster: 3 to 40 letters, digits and dashes, a letter first"
        yield Problem(path="stack", message=f"{stack!r} {what}; choose another name for the stack")
    for pool in pools:
        if LOGIN in (pool.name, _fallback_of(pool)):
            what = f"{LOGIN!r} is reserved for the node that jobs are submitted from; choose another name"
            yield Problem(path=f"cluster.nodePools.{pool.name}.name", message=what)
        longest = _fallback_of(pool) or pool.name
        if not _GROUP_NAME.fullmatch(pool.name) or not _GROUP_NAME.fullmatch(longest):
            what = "is not a name that PCS takes for a queue: 3 to 25 letters, digits and dashes, a letter first"
            yield Problem(path=f"cluster.nodePools.{pool.name}.name", message=f"{longest!r} {what}; choose another")


def _fallback_of(pool: NodePoolSpec) -> str | None:
    """The name of the pool that stands in for a spot pool."""
    return fallback_name(pool) if pool.capacity.spot is not None and pool.capacity.spot.fallback else None


def _controller_problems(asked: PcsSpec, region: str, pools: tuple[AwsNodePoolPlan, ...]) -> Iterator[Problem]:
    path = "aws.controlPlane"
    if asked.slurm_version not in SLURM_VERSIONS:
        hint = suggestion(asked.slurm_version, SLURM_VERSIONS)
        what = f"{asked.slurm_version!r} is not a version that PCS offers; available: {', '.join(SLURM_VERSIONS)}{hint}"
        yield Problem(path=f"{path}.slurmVersion", message=what)
    if asked.ami_id is None:
        yield Problem(path=f"{path}.amiId", message=_how_to_find_an_image(asked.slurm_version, region, pools))
    if len({pool.machine.arch for pool in pools}) > 1:
        kinds = ", ".join(f"{pool.name} is {pool.machine.arch}" for pool in pools)
        yield Problem(path=f"{path}.amiId", message=f"{kinds}: one image is for one; give each its own stack")
    most, nodes = MOST_NODES[asked.size or PcsSize.LARGE], _nodes(pools)
    if nodes > most:
        larger = [f"{size} ({MOST_NODES[size]})" for size in PcsSize if MOST_NODES[size] >= nodes]
        remedy = f"choose {larger[0]}" if larger else "make the pools smaller, or two stacks of them"
        size = asked.size or PcsSize.LARGE
        what = f"{nodes - 1} nodes beside the login node, but a controller of size {size} manages {most}; {remedy}"
        yield Problem(path=f"{path}.size" if asked.size else "cluster.nodePools", message=what)


def _how_to_find_an_image(slurm_version: str, region: str, pools: tuple[AwsNodePoolPlan, ...]) -> str:
    """AWS's PCS-ready image has PCS's agent, several versions of Slurm, and NVIDIA's drivers, EFA's, Lustre's and EFS's
    (PCS User Guide, "Using PCS-ready DLAMI"); of Neuron's it has none.
    """
    arch = pools[0].machine.arch if pools else Arch.X86_64
    parameter = f"/aws/service/pcs/ami/dlami-base-ubuntu2404/{arch}/latest/ami-id"
    command = f"aws ssm get-parameter --region {region} --name {parameter} --query Parameter.Value"
    what = f"PCS has no default image; give the id of one with Slurm {slurm_version} and the drivers of your machines"
    if any(pool.collective is Collective.NEURON for pool in pools):
        return f"{what}: of Neuron's AWS publishes none, so build it from a DLAMI Neuron with PCS's agent and Slurm"
    return f"{what}; AWS's own: {command}"


def _nodes(pools: Iterable[AwsNodePoolPlan]) -> int:
    """With the login node, which the controller manages too."""
    return sum(pool.max_count for pool in pools) + 1


def _login(pools: Sequence[AwsNodePoolPlan], network: NetworkPlan) -> NodeGroupPlan | None:
    """One small node that always runs, in a private subnet; None where no zone of the network offers a machine."""
    arch = pools[0].machine.arch if pools else Arch.X86_64
    found = machine_in(LOGIN_MACHINES[arch], network.zones, network.region)
    if found is None:
        return None
    machine, able = found
    pool = plain_pool(LOGIN, machine, able[:1], 1, node_repair=False)
    return NodeGroupPlan(
        pool=pool,
        purchase_option="ONDEMAND",
        min_count=1,
        max_count=1,
        subnets=tuple(subnet.name for subnet in network.node_subnets(pool.zones)),
        weight=_FIRST,
    )


def _no_login_machine(pools: Sequence[AwsNodePoolPlan], network: NetworkPlan) -> Problem:
    types = " or ".join(LOGIN_MACHINES[pools[0].machine.arch if pools else Arch.X86_64])
    what = f"{', '.join(network.zones)}: the login node runs on {types}, which none of these zones offers"
    return Problem(path="cluster.network.zones", message=f"{what}; add a zone of {network.region} that does")


def _smallest(nodes: int) -> PcsSize:
    return next(size for size in PcsSize if MOST_NODES[size] >= nodes)


def _controller_subnet(pools: tuple[AwsNodePoolPlan, ...], network: NetworkPlan) -> str:
    """Beside the first pool's nodes: no traffic of the controller then crosses zones."""
    return network.node_subnets(pools[0].zones if pools else network.zones)[0].name


def _group(pool: AwsNodePoolPlan, network: NetworkPlan, spec: StackSpec) -> NodeGroupPlan:
    stands_in = pool.name in {_fallback_of(asked) for asked in spec.cluster.node_pools}
    return NodeGroupPlan(
        pool=pool,
        purchase_option=_purchase_option(pool),
        min_count=pool.least_in_group,
        max_count=pool.max_count,
        subnets=tuple(subnet.name for subnet in network.node_subnets(pool.zones)),
        weight=_LAST if stands_in else _FIRST,
    )


def _queue(asked: NodePoolSpec, pools: Iterable[AwsNodePoolPlan]) -> PartitionPlan:
    names = (asked.name, _fallback_of(asked))
    return PartitionPlan(name=asked.name, groups=tuple(pool.name for pool in pools if pool.name in names))


def _purchase_option(pool: AwsNodePoolPlan) -> str:
    match pool.capacity:
        case OnDemandCapacity() | ReservedCapacity():
            return "ONDEMAND"
        case SpotCapacity():
            return "SPOT"
        case BlockCapacity():
            return "CAPACITY_BLOCK"


def _decided(asked: PcsSpec, pools: tuple[AwsNodePoolPlan, ...], login: NodeGroupPlan) -> Iterator[Decision]:
    nodes = _nodes(pools)
    reason = "jobs are submitted from it; reached by Session Manager, without a key or an open port"
    yield Decision(path="aws.controlPlane.login", value=f"1 x {login.pool.machine.name}", reason=reason)
    reason = "AWS's PCS-ready image has neither; name an image of yours where jobs are to start by --container-image"
    yield Decision(path="aws.controlPlane.amiId", value="no Enroot or Pyxis added", reason=reason)
    if asked.size is None:
        size = _smallest(nodes)
        reason = f"the smallest for {nodes} nodes, the login node among them: it manages {MOST_NODES[size]}"
        yield Decision(path="aws.controlPlane.size", value=size, reason=reason)
    for pool in pools:
        if pool.least_in_group < pool.max_count:
            reason = f"the others start with a job and stop after being idle for {asked.scale_down_idle_s} s"
            path = f"cluster.nodePools.{pool.name}.minCount"
            yield Decision(path=path, value=f"{pool.least_in_group} nodes always run", reason=reason)
