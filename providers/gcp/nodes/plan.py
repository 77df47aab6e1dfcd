"""Plans each node pool of a stack on GCP."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from components.errors import Problem, Problems, SpecError
from components.estimate.nodes import Room
from components.fabric import Collective, Fabric
from components.images import own_image
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import Mount, PodBinding
from components.plan.part import PartPlan
from components.spec.cluster import NodePoolSpec, PlacementKind
from components.spec.explain import closest, suggestion
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from providers.gcp.catalog import SCHEDULERS, FabricNetwork, GcpMachine, machines
from providers.gcp.nodes.allocatable import allocatable, daemons
from providers.gcp.nodes.binding import binding, capacity_word, collective, labels, provisioning, slices, taints
from providers.gcp.nodes.costs import bill, quotas
from providers.gcp.nodes.decisions import decisions
from providers.gcp.nodes.refusals import SYSTEM, PoolSetting, pool_problems
from providers.gcp.nodes.slices import groups_of, slice_of
from providers.gcp.regions import region_of, regions
from providers.gcp.settings import DriverVersion, GcpPoolSpec, GcpSpec, Maintenance
from providers.gcp.types import (
    Capacity,
    Driver,
    FabricVpc,
    GcpCalendar,
    GcpFlex,
    GcpNodePoolPlan,
    GcpOnDemand,
    GcpReserved,
    GcpSpot,
    GkeGroup,
)
from providers.gcp.zones import zone_of

AUTOSCALER = "GKE's autoscaler"
_FAMILY = re.compile(r"[A-Za-z]+\d+[A-Za-z]*")
"""Form of the name of a family of machines."""
BOOT_DISK_GIB = {True: 200, False: 100}
"""With accelerators, whose images hold several GB of libraries each, and without. Of 100 some 44 are left to pods
(GKE, "Plan GKE Standard node sizes")."""
SPOT_NOTICE_S = 15.0
"""Of the 30 s between notice and end, what pods of users have (GKE, "Spot VMs", 2026-11)."""
_MAX_PODS, _MAX_PODS_OF_SYSTEM = 32, 110
"""A node takes a range of twice as many addresses, rounded up to a power of two, and never gives it back (GKE,
"Flexible Pod CIDR"). GKE's own daemon sets alone are a dozen pods with the drivers of file systems, and 15, as xpk has
for TPU slices, leaves hardly a place beside the node exporter and the gate's probe.
"""
_OF_ONE_POD_SET = (SchedulerKind.KUEUE, SchedulerKind.TRAINER)
"""Schedulers whose jobs are one set of pods that Kueue lets in: GKE denies a request for several ("the queued
provisioning feature currently supports only single PodSet per request", ray-project/ray 57839)."""
_LONG_START_S = 1800
"""Seconds that machines of flex start may well take: a slice of TPUs alone five to ten minutes (vllm-project/ci-infra
524), and before that as long as none is to be had."""
_SYSTEM_MACHINE, _SYSTEM_NODES = "e2-standard-4", 2


def plan_pools(
    spec: StackSpec, settings: GcpSpec, stack: str, now: datetime, fabrics: Mapping[str, Sequence[FabricVpc]]
) -> tuple[GcpNodePoolPlan, ...]:
    """The pools in the spec's order; SpecError with all that Google Cloud would refuse, or would take and not do as
    meant. `fabrics`: networks beside the cluster's own, by pool.
    """
    problems = Problems([*known_problems(spec, settings), *_queue_problems(spec, settings)])
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
            plan = problems.collect(_plan, pool, asked, machine, spec, now, fabrics.get(pool.name, ()))
            plans += [plan] if plan else []
    if problems:
        raise SpecError(problems)
    return tuple(plans)


def system_pool(zone: str) -> GcpNodePoolPlan:
    """The pool that the cluster itself lives on: at list price, without a taint, and never without nodes. The control
    plane reaches webhooks and logs through pods on it.
    """
    machine, capacity = machines()[_SYSTEM_MACHINE], GcpOnDemand()
    own = {POOL_LABEL: SYSTEM, CAPACITY_LABEL: capacity_word(capacity)}
    group = GkeGroup(name=SYSTEM, nodes=_SYSTEM_NODES, least=_SYSTEM_NODES, most=_SYSTEM_NODES)
    return GcpNodePoolPlan(
        name=SYSTEM, machine=machine, node_count=_SYSTEM_NODES, min_count=_SYSTEM_NODES, max_count=_SYSTEM_NODES,
        fabric=Fabric.ETHERNET, collective=Collective.GLOO, binding=PodBinding(node_selector={POOL_LABEL: SYSTEM}),
        node_allocatable=allocatable(machine), zone=zone, capacity=capacity, groups=(group,), slice=None,
        workload_policy="", compact=False, policy="", networks=(), dranet=False, driver="", maintenance="",
        boot_disk="pd-balanced", boot_disk_gib=BOOT_DISK_GIB[False], labels=own, taints=(),
        max_pods=_MAX_PODS_OF_SYSTEM,
    )  # fmt: skip


def part(plan: Sequence[GcpNodePoolPlan], spec: StackSpec, billed: Sequence[GcpNodePoolPlan]) -> PartPlan:
    """The stack's pools, and the system pool on the bill."""
    return PartPlan(
        decisions=tuple(decisions(spec, plan)),
        quotas=quotas(billed),
        bill=bill(billed, spec.cluster.region or ""),
        warnings=tuple(_warnings(plan, spec)),
    )


def known_problems(spec: StackSpec, settings: GcpSpec) -> Iterator[Problem]:
    """A region that there is, and settings of pools that there are."""
    region = spec.cluster.region
    if region not in regions():
        known = ", ".join(regions())
        what = "is required on GCP and missing" if region is None else f"{region!r} is not a region of Google Cloud"
        hint = suggestion(region, tuple(regions())) if region else ""
        yield Problem(path="cluster.region", message=f"{what}{hint or f'; available: {known}'}")
    names = [pool.name for pool in spec.cluster.node_pools]
    for name in settings.pools:
        if name not in names:
            hint = suggestion(name, names) or f"; pools are {', '.join(names)}"
            yield Problem(path=f"gcp.pools.{name}", message=f"{name!r} is no pool of cluster.nodePools{hint}")


def _queue_problems(spec: StackSpec, settings: GcpSpec) -> Iterator[Problem]:
    kind = spec.scheduler.kind or SCHEDULERS[0]
    for name, asked in settings.pools.items():
        if asked.flex_start and asked.flex_start.queued and kind not in _OF_ONE_POD_SET:
            message = (
                f"true, and scheduler.kind is {kind}: machines are asked for by Kueue, for jobs whose pods are all "
                f"alike; use {' or '.join(_OF_ONE_POD_SET)}, or leave queued out"
            )
            yield Problem(path=f"gcp.pools.{name}.flexStart.queued", message=message)


def unknown_machine(name: str) -> str:
    """Of the same family or the same accelerator are those that are told; of another there are too many for a line."""
    rows = sorted(machines())
    family = _family(name)
    alike = [row for row in rows if _family(row) == family]
    if alike:
        return f"{name!r} is not a machine type that penstock knows; of that family it knows {', '.join(alike)}"
    if those := _with_accelerator(name):
        return f"{name!r} is an accelerator and no machine type; with it there are {', '.join(those)}"
    if (close := closest(name, rows)) and _FAMILY.fullmatch(family) is None:
        return f"{name!r} is not a machine type of gcp; did you mean {close!r}?"
    if close and _family(close) == family.lower():
        return f"{name!r} is not a machine type of gcp; write {close!r}"
    families = ", ".join(dict.fromkeys(map(_family, rows)))
    return f"{name!r} is not a machine type that penstock knows; it knows those of {families}, such as g2-standard-24"


def _with_accelerator(name: str) -> list[str]:
    """Machines of an accelerator that is given by its own name: `l4`, `nvidia-h100-80gb`, `v6e-16`."""
    word = name.lower().removeprefix("nvidia-").removeprefix("tesla-").removeprefix("tpu-")
    found = {row.name: row.accelerator.name.removeprefix("tpu-") for row in machines().values() if row.accelerator}
    return sorted(
        row for row, chip in found.items()
        if len(word) > 1 and (word.startswith(chip) or chip.startswith(word)) and not machines()[row].refused
    )  # fmt: skip


def _family(name: str) -> str:
    return name.partition("-")[0]


def _plan(
    pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine, spec: StackSpec, now: datetime,
    networks: Sequence[FabricVpc],
) -> GcpNodePoolPlan:  # fmt: skip
    capacity, fabric = capacity_asked(pool, asked), fabric_of(pool, machine)
    slice_ = slice_of(pool, asked, machine)
    nodes = _nodes_now(pool, capacity, now)
    zone = zone_of(pool) or regions()[spec.cluster.region or ""][0]
    grows = pool.least != pool.most or isinstance(capacity, GcpFlex)
    compact = _is_compact(pool, capacity, fabric)
    layers = machine.topology_layers if _is_close(capacity, compact=compact) else 0
    dranet = fabric is Fabric.RDMA and machine.network is FabricNetwork.DRANET
    used = networks if fabric is Fabric.RDMA and not dranet else ()
    return GcpNodePoolPlan(
        name=pool.name,
        machine=machine,
        node_count=pool.count,
        min_count=pool.least,
        max_count=max(1, pool.most),
        fabric=fabric,
        fabric_waived=pool.fabric_waived,
        collective=collective(machine),
        binding=binding(
            pool,
            machine,
            fabric,
            slice_=slice_,
            networks=used,
            dranet=dranet,
            topology_layers=layers,
            batch=spec.scheduler.kind is SchedulerKind.SLURM,
            queued=isinstance(capacity, GcpFlex) and capacity.queued,
        ),
        notice_s=SPOT_NOTICE_S if isinstance(capacity, GcpSpot) else None,
        desired_now=nodes,
        grown_by=AUTOSCALER if grows else "",
        min_driver=machine.min_driver,
        slices=slices(slice_),
        provisioning=provisioning(capacity),
        repaired=not isinstance(capacity, GcpFlex),
        own_image=_own_image(machine, fabric, spec),
        node_allocatable=allocatable(machine),
        daemons=daemons(machine),
        zone=zone,
        capacity=capacity,
        groups=groups_of(pool, machine, slice_, nodes),
        slice=slice_,
        workload_policy=f"1x{machine.domain_nodes * machine.accelerator_count}" if machine.compute_domain else "",
        compact=compact,
        policy=pool.placement.group or "" if pool.placement else "",
        networks=tuple(subnet.name for vpc in used for subnet in vpc.subnets),
        dranet=dranet,
        driver=_driver(asked, machine),
        maintenance=_INTERVALS[asked.maintenance] if asked.maintenance else "",
        boot_disk=machine.boot_disks[0],
        boot_disk_gib=pool.root_disk_gib or BOOT_DISK_GIB[machine.accelerator is not None],
        labels=labels(pool, capacity),
        taints=taints(pool, machine),
        max_pods=_MAX_PODS,
    )


def fabric_of(pool: NodePoolSpec, machine: GcpMachine) -> Fabric:
    """RDMA for a gang of accelerators on machines that have it, unless the user says why not. Between TPUs of a slice
    there is a network of their own, which no pod asks for.
    """
    if pool.most <= 1 or machine.is_tpu:
        return Fabric.HOST
    wired = machine.network is not FabricNetwork.NONE and not pool.fabric_waived
    return Fabric.RDMA if wired else Fabric.ETHERNET


def capacity_asked(pool: NodePoolSpec, asked: GcpPoolSpec) -> Capacity:
    """The way in which the pool's machines are had, as it is planned."""
    if asked.flex_start is not None:
        return GcpFlex(max_run_s=asked.flex_start.max_run_hours * 3600, queued=asked.flex_start.queued)
    given = pool.capacity
    if given.capacity_block is not None:
        block = given.capacity_block
        return GcpCalendar(path=block.id, starts_at=block.starts_at, ends_at=block.ends_at)
    if given.reservation is not None:
        return GcpReserved(path=given.reservation.id)
    return GcpSpot() if given.spot is not None else GcpOnDemand()


def _nodes_now(pool: NodePoolSpec, capacity: Capacity, now: datetime) -> int:
    """None of flex start, which come for jobs, and of a block outside its time."""
    if isinstance(capacity, GcpFlex):
        return 0
    if isinstance(capacity, GcpCalendar) and not capacity.starts_at <= now < capacity.ends_at:
        return 0
    return pool.count


def _is_compact(pool: NodePoolSpec, capacity: Capacity, fabric: Fabric) -> bool:
    """A policy of the pool's own: for a gang with RDMA that no reservation places, and where it is asked for."""
    if pool.placement is not None:
        return pool.placement.kind is PlacementKind.CREATE
    return fabric is Fabric.RDMA and isinstance(capacity, GcpOnDemand | GcpSpot)


def _is_close(capacity: Capacity, *, compact: bool) -> bool:
    """True where the nodes carry labels of their place (GKE, "Topology Aware Scheduling"): in a reservation, by flex
    start, or with a compact policy."""
    if isinstance(capacity, GcpFlex):
        return not capacity.queued
    return compact or isinstance(capacity, GcpReserved | GcpCalendar)


_INTERVALS = {Maintenance.AS_NEEDED: "AS_NEEDED", Maintenance.PERIODIC: "PERIODIC"}


def _driver(asked: GcpPoolSpec, machine: GcpMachine) -> Driver:
    """Always said: GKE fills in its default else, and the next `up` would see another pool (terraform-provider-google
    23248)."""
    if machine.accelerator is None or machine.is_tpu:
        return ""
    return "LATEST" if asked.driver is DriverVersion.LATEST else "DEFAULT"


def _own_image(machine: GcpMachine, fabric: Fabric, spec: StackSpec) -> str:
    """Penstock's own image; none for TPUs, on which its workloads do not run."""
    if machine.is_tpu:
        return ""
    ray = spec.scheduler.kind is SchedulerKind.KUBERAY
    return own_image(fabric, collective(machine), machine.architecture, ray=ray, digests=spec.images.digests)


def _warnings(plan: Sequence[GcpNodePoolPlan], spec: StackSpec) -> Iterator[str]:
    if spec.cluster.allow_node_roll:
        what = "`up` may roll or replace nodes with accelerators, and jobs on them end"
        yield f"cluster.allowNodeRoll ({spec.cluster.allow_node_roll}): {what}; take it out when that is done"
    for pool in plan:
        path = f"cluster.nodePools.{pool.name}"
        known = regions().get(region_of(pool.zone), ())
        if pool.zone not in known and len(pool.zone.rpartition("-")[2]) == 1:
            yield (
                f"{path}: the zone {pool.zone} is none that penstock knows ({', '.join(known)}); the preview with "
                "credentials asks for its machines"
            )
        match pool.capacity:
            case GcpFlex(max_run_s=seconds, queued=queued):
                yield f"{path}: GKE takes each machine back after {seconds // 3600} hours; jobs go on from checkpoints"
                if not queued and spec.scheduler.start_timeout_s < _LONG_START_S:
                    yield (
                        f"{path}: a job whose machines have not come {spec.scheduler.start_timeout_s} s after it was "
                        f"let in goes back to its queue; give scheduler.startTimeoutS {_LONG_START_S} or more"
                    )
            case GcpCalendar(starts_at=starts) if not pool.desired_now:
                yield f"{path}: no nodes before {starts:%Y-%m-%dT%H:%MZ}; run `up` again then"


def with_mounts(
    pools: Sequence[GcpNodePoolPlan], mounts: tuple[Mount, ...], sidecar: Room
) -> tuple[GcpNodePoolPlan, ...]:
    """The pools with what their jobs mount. `sidecar`: requests of the container that mounts something for a pod, of
    which a node has one for its job, or one for a server on each accelerator."""
    return tuple(_mounted(pool, mounts, sidecar) for pool in pools)


def _mounted(pool: GcpNodePoolPlan, mounts: tuple[Mount, ...], sidecar: Room) -> GcpNodePoolPlan:
    pods = max(1, pool.machine.accelerator_count)
    taken = Room(
        cores=pool.daemons.cores + pods * sidecar.cores,
        memory_gib=pool.daemons.memory_gib + pods * sidecar.memory_gib,
    )
    return replace(pool, binding=replace(pool.binding, mounts=mounts), daemons=taken)
