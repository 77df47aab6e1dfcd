"""Plans each node pool of a stack on Azure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.errors import Problem, Problems, SpecError
from components.fabric import Collective, Fabric
from components.images import own_image
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import Mount, PodBinding
from components.plan.part import PartPlan
from components.spec.cluster import NodePoolSpec, PlacementKind
from components.spec.explain import suggestion
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from providers.azure.catalog import AzureMachine, Partition, machines
from providers.azure.nodes.allocatable import MAX_PODS, allocatable, daemons
from providers.azure.nodes.binding import binding, capacity_word, collective, labels, taints
from providers.azure.nodes.costs import bill, quotas
from providers.azure.nodes.decisions import decisions
from providers.azure.nodes.refusals import SYSTEM, mixed_partitions, pool_problems
from providers.azure.regions import regions
from providers.azure.settings import AzureSpec
from providers.azure.types import AzureNodePoolPlan, AzureOnDemand, AzureReserved, AzureSpot, Capacity, DriverSource
from providers.azure.zones import first_zone, zone_of

AUTOSCALER = "AKS's autoscaler"
_SPOT_NOTICE_S = 30.0
"""Azure, "Spot Virtual Machines": thirty seconds, and no promise of them."""
_WIRED_DISK_GIB, _ACCELERATED_DISK_GIB, _PLAIN_DISK_GIB = 512, 256, 128
"""Left out, an ephemeral root disk takes the whole temporary one (AKS, "Storage concepts", since 2025-03)."""
_SYSTEM_MACHINE, _SYSTEM_NODES = "Standard_D4ds_v5", 3


def plan_pools(spec: StackSpec, settings: AzureSpec) -> tuple[AzureNodePoolPlan, ...]:
    """The pools in the spec's order; SpecError with all that Azure would refuse, or would take and not do as meant."""
    problems = Problems(_general_problems(spec))
    region = spec.cluster.region or ""
    plans: list[AzureNodePoolPlan] = []
    told: set[Problem] = set()
    for pool in spec.cluster.node_pools:
        machine = machines().get(pool.machine_type)
        found = list(pool_problems(pool, machine, region if region in regions() else "", settings.driver))
        if machine is None:
            path = f"cluster.nodePools.{pool.name}.machineType"
            found.append(Problem(path=path, message=_unknown_machine(pool.machine_type)))
        problems += [problem for problem in found if problem not in told]
        told |= set(found)
        if not found and machine is not None:
            plans.append(_plan(pool, machine, spec, settings.driver))
    problems += mixed_partitions(spec.cluster.node_pools)
    if problems:
        raise SpecError(problems)
    return tuple(plans)


def system_pool(spec: StackSpec) -> AzureNodePoolPlan:
    """The pool that the cluster itself lives on: at list price, without a taint, and never without nodes."""
    machine, capacity = machines()[_SYSTEM_MACHINE], AzureOnDemand()
    return AzureNodePoolPlan(
        name=SYSTEM, machine=machine, node_count=_SYSTEM_NODES, min_count=_SYSTEM_NODES, max_count=_SYSTEM_NODES,
        fabric=Fabric.ETHERNET, collective=Collective.GLOO, binding=PodBinding(node_selector={POOL_LABEL: SYSTEM}),
        node_allocatable=allocatable(machine), daemons=daemons(machine), zone=first_zone(spec), capacity=capacity,
        driver=None, placement_group="", disk_gib=_PLAIN_DISK_GIB, ephemeral=True,
        labels={POOL_LABEL: SYSTEM, CAPACITY_LABEL: capacity_word(capacity)}, taints=(), max_pods=MAX_PODS, surge=1,
    )  # fmt: skip


def part(plan: Sequence[AzureNodePoolPlan], spec: StackSpec, billed: Sequence[AzureNodePoolPlan]) -> PartPlan:
    """The stack's pools, and the system pool on the bill."""
    return PartPlan(
        decisions=tuple(decisions(spec, plan)),
        quotas=quotas(billed),
        bill=bill(billed, spec.cluster.region or ""),
        warnings=tuple(_warnings(plan, spec)),
    )


def with_mounts(pools: Sequence[AzureNodePoolPlan], mounts: tuple[Mount, ...]) -> tuple[AzureNodePoolPlan, ...]:
    """The pools with what their jobs mount."""
    return tuple(replace(pool, binding=replace(pool.binding, mounts=mounts)) for pool in pools)


def _general_problems(spec: StackSpec) -> Iterator[Problem]:
    region = spec.cluster.region
    if region not in regions():
        known = ", ".join(regions())
        what = "is required on Azure and missing" if region is None else f"{region!r} is not a region of Azure"
        hint = suggestion(region, tuple(regions())) if region else ""
        yield Problem(path="cluster.region", message=f"{what}{hint or f'; available: {known}'}")


def _unknown_machine(name: str) -> str:
    rows = sorted(machines())
    spelled = next((row for row in rows if row.lower() == f"standard_{name.lower().removeprefix('standard_')}"), "")
    if spelled:
        return f"{name!r} is written {spelled}; write that"
    family = name.partition("_")[2][:2].upper()
    alike = [row for row in rows if family and row.partition("_")[2].upper().startswith(family)]
    if alike:
        return f"{name!r} is not a machine type that penstock knows; of that family it knows {', '.join(alike)}"
    hint = suggestion(name, rows) or f"; available: {', '.join(rows)}"
    return f"{name!r} is not a machine type of azure{hint}"


def _plan(pool: NodePoolSpec, machine: AzureMachine, spec: StackSpec, driver: DriverSource) -> AzureNodePoolPlan:
    capacity, fabric = _capacity(pool), fabric_of(pool, machine)
    brings = driver if machine.accelerator else None
    disk = pool.root_disk_gib or _disk_gib(machine)
    return AzureNodePoolPlan(
        name=pool.name,
        machine=machine,
        node_count=pool.count,
        min_count=pool.least,
        max_count=max(1, pool.most),
        fabric=fabric,
        fabric_waived=pool.fabric_waived,
        collective=collective(machine),
        binding=binding(pool, machine, fabric, capacity),
        notice_s=_SPOT_NOTICE_S if isinstance(capacity, AzureSpot) else None,
        desired_now=pool.count,
        grown_by=AUTOSCALER if pool.least != pool.most else "",
        own_image=_own_image(machine, fabric, spec),
        node_allocatable=allocatable(machine),
        daemons=daemons(machine),
        zone=zone_of(pool) or first_zone(spec),
        capacity=capacity,
        driver=brings,
        placement_group=_placement_group(pool),
        disk_gib=disk,
        ephemeral=disk <= machine.temp_gib,
        labels=labels(pool, capacity, brings),
        taints=taints(pool, machine, capacity),
        max_pods=MAX_PODS,
        surge=0 if machine.accelerator else 1,
    )


def fabric_of(pool: NodePoolSpec, machine: AzureMachine) -> Fabric:
    """InfiniBand for a gang of accelerators on machines that have it, unless the user says why not."""
    if pool.most <= 1:
        return Fabric.HOST
    return Fabric.RDMA if machine.infiniband and not pool.fabric_waived else Fabric.ETHERNET


def _capacity(pool: NodePoolSpec) -> Capacity:
    if pool.capacity.reservation is not None:
        return AzureReserved(group=pool.capacity.reservation.id)
    return AzureSpot() if pool.capacity.spot is not None else AzureOnDemand()


def _placement_group(pool: NodePoolSpec) -> str:
    if pool.placement is None:
        return ""
    if pool.placement.kind is PlacementKind.CREATE:
        return pool.name
    return pool.placement.group or ""


def _disk_gib(machine: AzureMachine) -> int:
    if machine.infiniband:
        return _WIRED_DISK_GIB
    return _ACCELERATED_DISK_GIB if machine.accelerator else _PLAIN_DISK_GIB


def _own_image(machine: AzureMachine, fabric: Fabric, spec: StackSpec) -> str:
    ray = spec.scheduler.kind is SchedulerKind.KUBERAY
    return own_image(fabric, collective(machine), machine.architecture, ray=ray, digests=spec.images.digests)


def _warnings(plan: Sequence[AzureNodePoolPlan], spec: StackSpec) -> Iterator[str]:
    if spec.cluster.allow_node_roll:
        what = "`up` may roll or replace nodes with accelerators, and jobs on them end"
        yield f"cluster.allowNodeRoll ({spec.cluster.allow_node_roll}): {what}; take it out when that is done"
    for pool in plan:
        path = f"cluster.nodePools.{pool.name}"
        if pool.machine.partition is Partition.REGISTERED and pool.fabric is Fabric.RDMA:
            yield (
                f"{path}: its nodes share a fabric only where the subscription's feature AKSInfinibandSupport was "
                "registered before the pool is made; a preview with credentials looks at it"
            )
        if pool.machine.compute_domain:
            yield (
                f"{path}: nothing here asks Azure for machines of one rack; the acceptance gate shows whether its "
                "nodes form one NVLink domain"
            )
