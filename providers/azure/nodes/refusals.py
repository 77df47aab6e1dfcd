"""Problems of a pool that Azure would refuse, or would take and not do as meant: told before anything exists."""

import re
from collections.abc import Iterator

from components.errors import Problem
from components.labels import DOMAIN
from components.spec.cluster import NodePoolSpec, PlacementKind
from providers.azure.catalog import MAX_NODES, MAX_PARTITION, AzureCapacityKind, AzureMachine, Partition, machines
from providers.azure.regions import regions
from providers.azure.types import DriverSource
from providers.azure.zones import zone_of

SYSTEM = "system"
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
"""Of a node pool (AKS API, agentPoolName)."""
_RESERVED = ("kubernetes.io", "k8s.io", "kubernetes.azure.com", "nvidia.com", DOMAIN)
"""Domains of labels and taints that Kubernetes, AKS, NVIDIA's software and penstock set themselves."""
_RESERVATION = re.compile(
    r"/subscriptions/[-0-9a-fA-F]{36}/resourceGroups/[^/]+/providers/Microsoft\.Compute/capacityReservationGroups/[^/]+"
)
_PLACEMENT = re.compile(
    r"/subscriptions/[-0-9a-fA-F]{36}/resourceGroups/[^/]+/providers/Microsoft\.Compute/proximityPlacementGroups/[^/]+"
)


def pool_problems(
    pool: NodePoolSpec, machine: AzureMachine | None, region: str, driver: DriverSource
) -> Iterator[Problem]:
    """All that is wrong with one pool; without its machine, what does not depend on it. `region`: empty where the spec
    names none that there is.
    """
    path = f"cluster.nodePools.{pool.name}"
    yield from _name_problems(pool, path)
    yield from _mark_problems(pool, path)
    yield from _zone_problems(pool, path, region)
    yield from _reservation_problems(pool, path)
    yield from _spot_problems(pool, path)
    if machine is None:
        return
    if machine.refused:
        others = ", ".join(name for name, row in machines().items() if not row.refused and row.accelerator)
        yield Problem(path=f"{path}.machineType", message=f"{machine.name!r}: {machine.refused}; take one of {others}")
        return
    yield from _capacity_problems(pool, machine, path)
    yield from _placement_problems(pool, machine, path)
    yield from _fabric_problems(pool, machine, path)
    yield from _size_problems(pool, machine, path)
    yield from _driver_problems(machine, driver)


def mixed_partitions(pools: tuple[NodePoolSpec, ...]) -> Iterator[Problem]:
    """Machines with InfiniBand that want one feature of the subscription in opposite states."""
    wanted = {pool.name: machines()[pool.machine_type] for pool in pools if pool.machine_type in machines()}
    states = {machine.partition for machine in wanted.values() if machine.partition is not Partition.NONE}
    if len(states) > 1:
        for name, machine in wanted.items():
            if machine.partition is Partition.UNREGISTERED:
                message = (
                    f"{machine.name} wants the feature AKSInfinibandSupport unregistered, and another pool wants it "
                    "registered, for the whole subscription; give it a stack in a subscription of its own"
                )
                yield Problem(path=f"cluster.nodePools.{name}.machineType", message=message)


def capacity_of(pool: NodePoolSpec) -> AzureCapacityKind:
    """The way in which the pool's machines are had."""
    if pool.capacity.spot is not None:
        return AzureCapacityKind.SPOT
    return AzureCapacityKind.RESERVATION if pool.capacity.reservation is not None else AzureCapacityKind.ON_DEMAND


def _name_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    if pool.name == SYSTEM:
        message = f"{SYSTEM!r} is reserved for the pool of the cluster's own pods; choose another name"
        yield Problem(path=f"{path}.name", message=message)
    elif not _NAME.fullmatch(pool.name):
        message = (
            f"{pool.name!r} is no name of a node pool: a small letter first, then small letters and digits, 12 at most"
        )
        yield Problem(path=f"{path}.name", message=f"{message}; change it")


def _mark_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    marks = [("labels", key) for key in pool.labels] + [("taints", taint.key) for taint in pool.taints]
    for kind, key in marks:
        domain = key.rpartition("/")[0]
        taken = next((one for one in _RESERVED if domain == one or domain.endswith(f".{one}")), None)
        if taken:
            message = f"{key!r}: what begins with {taken} is not set by hand; take a domain of your own, or none"
            yield Problem(path=f"{path}.{kind}", message=message)
        elif kind == "taints" and key == "CriticalAddonsOnly":
            message = f"{key!r} is the taint of system pools, which AKS's own pods alone tolerate; take another key"
            yield Problem(path=f"{path}.{kind}", message=message)


def _zone_problems(pool: NodePoolSpec, path: str, region: str) -> Iterator[Problem]:
    held = pool.capacity.reservation
    if held and held.zone and pool.zone and held.zone != pool.zone:
        message = f"{pool.zone!r} is not {held.zone}, the zone of its reservation; remove zone, or correct one of them"
        yield Problem(path=f"{path}.zone", message=message)
    zone = zone_of(pool)
    if zone is not None and region and zone not in regions()[region]:
        known = ", ".join(map(repr, regions()[region]))
        remedy = f"take one of {known}, or leave it out" if known else "it has none: leave it out"
        yield Problem(path=f"{path}.zone", message=f"{zone!r} is no zone of {region}; {remedy}")


def _reservation_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    held, block = pool.capacity.reservation, pool.capacity.capacity_block
    if block is not None:
        message = (
            "Azure sells no block of time; remove it: machines with InfiniBand come by an agreement with your account "
            "team, and stand in the quota of their family"
        )
        yield Problem(path=f"{path}.capacity.capacityBlock", message=message)
    if held is None:
        return
    if not _RESERVATION.fullmatch(held.id):
        message = (
            f"{held.id!r} is not the whole id of a capacity reservation group; write /subscriptions/ID/resourceGroups/"
            "GROUP/providers/Microsoft.Compute/capacityReservationGroups/NAME"
        )
        yield Problem(path=f"{path}.capacity.reservation.id", message=message)
    if held.placement_group is not None:
        message = f"{held.placement_group!r}: a capacity reservation takes no machines of a placement group; remove it"
        yield Problem(path=f"{path}.capacity.reservation.placementGroup", message=message)
    if pool.least != pool.most:
        key = "minCount" if pool.min_count is not None else "maxCount"
        message = f"{pool.least} to {pool.most}: a reservation is paid for as a whole; give its pool a fixed count"
        yield Problem(path=f"{path}.{key}", message=message)


def _spot_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    spot = pool.capacity.spot
    if spot is None:
        return
    if spot.fallback is not None:
        message = (
            f"{spot.fallback!r}: not made on AKS in this release; remove it, or write a second pool at list price "
            "(minCount: 0) and name it in the workload"
        )
        yield Problem(path=f"{path}.capacity.spot.fallback", message=message)
    if spot.alternatives:
        message = f"{', '.join(spot.alternatives)}: a node pool of AKS has one machine type; remove them"
        yield Problem(path=f"{path}.capacity.spot.alternatives", message=message)


def _capacity_problems(pool: NodePoolSpec, machine: AzureMachine, path: str) -> Iterator[Problem]:
    kind = capacity_of(pool)
    if pool.capacity.capacity_block is not None:
        return
    if kind is AzureCapacityKind.RESERVATION and kind not in machine.capacity:
        message = (
            f"no on-demand capacity reservation takes {machine.name}, and a Reserved Instance lowers the bill alone; "
            "remove it: such machines come by an agreement with your account team and the quota of their family"
        )
        yield Problem(path=f"{path}.capacity.reservation", message=message)
    elif kind not in machine.capacity:
        known = " or ".join(machine.capacity)
        yield Problem(
            path=f"{path}.capacity", message=f"{kind.value!r}, but {machine.name} is had as {known} only; take that"
        )
    elif kind is AzureCapacityKind.SPOT and _is_wired(pool, machine):
        message = (
            f"'spot': a gang on InfiniBand ends with the first of its {pool.most} machines that is taken back; take "
            "onDemand, or a pool of one node"
        )
        yield Problem(path=f"{path}.capacity", message=message)


def _placement_problems(pool: NodePoolSpec, machine: AzureMachine, path: str) -> Iterator[Problem]:
    placement, where = pool.placement, f"{path}.placement"
    if placement is None or placement.kind is PlacementKind.NONE:
        return
    if placement.kind is PlacementKind.FROM_RESERVATION:
        message = "'fromReservation': a capacity reservation group places nothing close; remove it"
        yield Problem(path=where, message=message)
    elif machine.infiniband:
        message = f"{placement.kind.value!r}: {machine.name} stands in a single placement group by itself; leave it out"
        yield Problem(path=where, message=message)
    elif pool.capacity.reservation is not None:
        message = f"{placement.kind.value!r}: a capacity reservation takes no machines of a placement group; remove it"
        yield Problem(path=where, message=message)
    elif placement.group is not None and not _PLACEMENT.fullmatch(placement.group):
        message = (
            f"{placement.group!r} is not the whole id of a proximity placement group; write /subscriptions/ID/"
            "resourceGroups/GROUP/providers/Microsoft.Compute/proximityPlacementGroups/NAME"
        )
        yield Problem(path=where, message=message)


def _fabric_problems(pool: NodePoolSpec, machine: AzureMachine, path: str) -> Iterator[Problem]:
    if pool.fabric_wanted:
        message = f"{machine.name} has its fabric without being asked, where it has one; remove it"
        yield Problem(path=f"{path}.fabric.wanted", message=message)
    if machine.accelerator is None or machine.infiniband or pool.most <= 1 or pool.fabric_waived:
        return
    others = ", ".join(row.name for row in machines().values() if row.infiniband and not row.refused)
    message = (
        f"{machine.name!r} has no InfiniBand, so {pool.most} nodes of {machine.accelerator.name} would use plain TCP; "
        f"say why that is enough with {{none: <reason>}}, or take one of {others}"
    )
    yield Problem(path=f"{path}.fabric", message=message)


def _size_problems(pool: NodePoolSpec, machine: AzureMachine, path: str) -> Iterator[Problem]:
    key = "count" if pool.max_count is None else "maxCount"
    if _is_wired(pool, machine):
        if pool.least != pool.most:
            message = (
                f"{pool.least} to {pool.most}: AKS's autoscaler knows nothing of InfiniBand and takes nodes away from "
                "jobs that use few processors; give a pool with InfiniBand a fixed count"
            )
            yield Problem(path=f"{path}.{'minCount' if pool.min_count is not None else 'maxCount'}", message=message)
        most = min(MAX_PARTITION, machine.domain_nodes) if machine.compute_domain else MAX_PARTITION
        if pool.most > most:
            what = "NVLink domain" if machine.compute_domain else "partition"
            message = f"{pool.most} nodes; one {what} of {machine.name} has {most} at most, and no job spans two pools"
            yield Problem(path=f"{path}.{key}", message=f"{message}: lower it, or use several pools")
    elif pool.most > MAX_NODES:
        message = f"{pool.most} nodes; a node pool of AKS has {MAX_NODES} at most: use several pools"
        yield Problem(path=f"{path}.{key}", message=message)
    if pool.root_disk_gib is not None and pool.root_disk_gib < 64:
        message = f"{pool.root_disk_gib} GiB: the node image and a few containers fill it; give 64 at least"
        yield Problem(path=f"{path}.rootDiskGib", message=message)


def _driver_problems(machine: AzureMachine, driver: DriverSource) -> Iterator[Problem]:
    if machine.compute_domain and driver is DriverSource.AKS:
        message = f"'aks': the node image brings no driver for {machine.name}; write operator"
        yield Problem(path="azure.driver", message=message)


def _is_wired(pool: NodePoolSpec, machine: AzureMachine) -> bool:
    return bool(machine.infiniband) and pool.most > 1 and not pool.fabric_waived
