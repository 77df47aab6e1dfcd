"""Pools of a stack as node sets of Cluster Director, and the machines that people log in to."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from components.errors import Problem, Problems, SpecError
from components.fabric import Collective, Fabric
from components.plan.cluster import PodBinding
from components.plan.part import Decision, PartPlan
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.gcp.catalog import GcpMachine, machines
from providers.gcp.control_plane.director.refusals import pool_problems
from providers.gcp.control_plane.director.types import NodeSetPlan
from providers.gcp.nodes.allocatable import allocatable
from providers.gcp.nodes.binding import capacity_word, collective
from providers.gcp.nodes.costs import bill, quotas
from providers.gcp.nodes.plan import (
    BOOT_DISK_GIB,
    SPOT_NOTICE_S,
    capacity_asked,
    fabric_of,
    known_problems,
    unknown_machine,
)
from providers.gcp.nodes.refusals import PoolSetting
from providers.gcp.regions import regions
from providers.gcp.settings import GcpPoolSpec, GcpSpec
from providers.gcp.types import Capacity, GcpCalendar, GcpFlex, GcpNodePoolPlan, GcpOnDemand, GcpSpot

LOGIN, _LOGIN_MACHINE = "login", "n2-standard-4"
"""Login nodes are N2 standard machines of 32 processors at most (Cluster Director, "Supported compute resources")."""
GROWER = "Slurm"


def plan_pools(spec: StackSpec, settings: GcpSpec, zone: str, now: datetime) -> tuple[GcpNodePoolPlan, ...]:
    """The pools in the spec's order; SpecError with all that Cluster Director would refuse. `zone` is that of pools
    that name none."""
    problems = Problems(known_problems(spec, settings))
    region = spec.cluster.region or ""
    setting = PoolSetting(
        region=region if region in regions() else "", now=now, expires_at=spec.cluster.expires_at,
        project=settings.project or "",
    )  # fmt: skip
    plans = []
    for pool in spec.cluster.node_pools:
        asked, machine = settings.pools.get(pool.name, GcpPoolSpec()), machines().get(pool.machine_type)
        found = list(pool_problems(pool, asked, machine, setting))
        if machine is None:
            path = f"cluster.nodePools.{pool.name}.machineType"
            found.append(Problem(path=path, message=unknown_machine(pool.machine_type)))
        problems += found
        if not found and machine is not None:
            plans.append(_plan(pool, asked, machine, zone))
    if problems:
        raise SpecError(problems)
    return tuple(plans)


def login_pool(zone: str, count: int) -> GcpNodePoolPlan:
    """Machines that jobs are submitted from: at list price, and always there."""
    machine = machines()[_LOGIN_MACHINE]
    return _pool(
        LOGIN, machine, zone, GcpOnDemand(), least=count, count=count, most=count, disk_gib=BOOT_DISK_GIB[False],
        fabric=Fabric.ETHERNET,
    )  # fmt: skip


def node_set(pool: GcpNodePoolPlan, now: datetime) -> NodeSetPlan:
    """None of a block outside its time: they could not start."""
    there = pool.capacity
    closed = isinstance(there, GcpCalendar) and not there.starts_at <= now < there.ends_at
    static = 0 if closed else pool.min_count
    made = f"{pool.machine.name} {there} {pool.zone} {pool.boot_disk} {pool.boot_disk_gib}"
    return NodeSetPlan(
        name=f"{pool.name}{hashlib.sha256(made.encode()).hexdigest()[:6]}",
        pool=pool,
        static=static,
        dynamic=0 if closed else pool.max_count - static,
    )


def part(sets: Sequence[NodeSetPlan], spec: StackSpec, billed: Sequence[GcpNodePoolPlan]) -> PartPlan:
    """The pools, and the login nodes on the bill."""
    return PartPlan(
        decisions=tuple(_decisions(spec, [one.pool for one in sets])),
        quotas=quotas(billed),
        bill=bill(billed, spec.cluster.region or ""),
        warnings=tuple(_warnings(sets, spec)),
    )


def _plan(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine, zone: str) -> GcpNodePoolPlan:
    held = pool.capacity.reservation or pool.capacity.capacity_block
    return _pool(
        pool.name, machine, pool.zone or (held.zone if held and held.zone else zone), capacity_asked(pool, asked),
        least=pool.least, count=pool.count, most=pool.most,
        disk_gib=pool.root_disk_gib or BOOT_DISK_GIB[machine.accelerator is not None],
        fabric=fabric_of(pool, machine),
    )  # fmt: skip


def _pool(  # noqa: PLR0913 (all that differs between pools)
    name: str, machine: GcpMachine, zone: str, capacity: Capacity, *, least: int, count: int, most: int,
    disk_gib: int, fabric: Fabric,
) -> GcpNodePoolPlan:  # fmt: skip
    """Nothing of it is GKE's: no labels, taints, pods, groups, networks or driver of a node pool."""
    return GcpNodePoolPlan(
        name=name, machine=machine, node_count=count, min_count=least, max_count=max(1, most), fabric=fabric,
        collective=collective(machine) if machine.accelerator else Collective.GLOO, binding=PodBinding(),
        notice_s=SPOT_NOTICE_S if isinstance(capacity, GcpSpot) else None, desired_now=least,
        grown_by=GROWER if least != most else "", min_driver="", node_allocatable=allocatable(machine), zone=zone,
        capacity=capacity, groups=(), slice=None, workload_policy="", compact=False, policy="", networks=(),
        dranet=False, driver="", maintenance="", boot_disk=machine.boot_disks[0], boot_disk_gib=disk_gib,
        labels={}, taints=(), max_pods=0,
    )  # fmt: skip


def _decisions(spec: StackSpec, pools: Sequence[GcpNodePoolPlan]) -> Iterator[Decision]:
    asked = {pool.name: pool for pool in spec.cluster.node_pools}
    for pool in pools:
        path = f"cluster.nodePools.{pool.name}"
        if pool.fabric is Fabric.RDMA:
            reason = "Cluster Director gives the machines their networks and the image NCCL's plugin; run an NCCL test "
            reason += "first, as nothing published shows that beside a network of the stack's own"
            yield Decision(path=f"{path}.fabric", value="the machines' own", reason=reason)
        value = f"{pool.machine.name} by {capacity_word(pool.capacity)} in {pool.zone}"
        reason = "Cluster Director chooses the image, with Slurm, the driver and its upgrades; a partition of its name"
        yield Decision(path=f"{path}.machineType", value=value, reason=reason)
        if pool.grown_by:
            value = f"{pool.min_count} to {pool.max_count} nodes"
            reason = f"{pool.grown_by} starts the others with a job and ends them when they idle"
            yield Decision(path=f"{path}.maxCount", value=value, reason=reason)
        if asked[pool.name].root_disk_gib is None:
            reason = "container images are unpacked on it" if pool.machine.accelerator else "images and logs"
            yield Decision(path=f"{path}.rootDiskGib", value=f"{pool.boot_disk_gib} ({pool.boot_disk})", reason=reason)


def _warnings(sets: Sequence[NodeSetPlan], spec: StackSpec) -> Iterator[str]:
    if spec.cluster.allow_node_roll:
        what = "`up` may replace nodes of slurm that have accelerators, and jobs on them end"
        yield f"cluster.allowNodeRoll ({spec.cluster.allow_node_roll}): {what}; take it out when that is done"
    for one in sets:
        path = f"cluster.nodePools.{one.pool.name}"
        match one.pool.capacity:
            case GcpFlex(max_run_s=seconds):
                yield f"{path}: each machine is taken back after {seconds // 3600} hours; checkpoint, and submit again"
            case GcpCalendar(starts_at=starts) if not one.static + one.dynamic:
                yield f"{path}: no nodes before {starts:%Y-%m-%dT%H:%MZ}; run `up` again then"
