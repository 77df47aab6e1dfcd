"""Problems of a pool that Google Cloud would refuse, or would take and not do as meant: told before anything exists."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from components.errors import Problem
from components.labels import DOMAIN
from components.spec.cluster import NodePoolSpec, PlacementKind
from providers.gcp.catalog import MAX_NODES, FabricNetwork, GcpCapacityKind, GcpMachine, machines
from providers.gcp.regions import region_of, regions
from providers.gcp.settings import GcpPoolSpec
from providers.gcp.zones import zone_of

RESERVATION = re.compile(
    r"projects/[a-z][-a-z0-9]{4,28}[a-z0-9]/reservations/[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
    r"(/reservationBlocks/[-a-z0-9]+(/reservationSubBlocks/[-a-z0-9]+)?)?"
)
"""Form of a reservation's path; a short one of a block is not found (cluster-toolkit 5043, 2025-12)."""
_LINK = re.compile(r"projects/([^/]+)/zones/[^/]+(/reservations/.+)")
"""A reservation's own link, which the console and `gcloud compute reservations describe` show."""
SYSTEM = "system"
LONGEST_NAME = 40
"""Of a node pool (GKE API, NodePool.name)."""
_RESERVED = ("kubernetes.io", "k8s.io", "cloud.google.com", "nvidia.com", "google.com", DOMAIN)
"""Domains of labels that Kubernetes, GKE and penstock set themselves."""
_MOST_COMPACT = {"a2-": 150, "a3-": 96, "a4-": 1500}
"""Machines of a compact placement policy, by family (GKE's cluster autoscaler, package machinetypes, 2026)."""
_COMPACT = re.compile(r"(a2|a3|a4|a4x|c3|g2|g4|n2)-")
"""Families that a compact placement policy takes (Compute Engine, "Placement policies overview", 2026-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSetting:
    """Surroundings of the pools."""

    region: str
    """Empty where the spec names none that there is: what depends on it is then not looked at."""
    now: datetime
    expires_at: datetime | None
    project: str


def pool_problems(
    pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine | None, setting: PoolSetting
) -> Iterator[Problem]:
    """All that is wrong with one pool; without its machine, what does not depend on it."""
    path = f"cluster.nodePools.{pool.name}"
    yield from _name_problems(pool, path)
    yield from _mark_problems(pool, path)
    yield from place_problems(pool, asked, machine, path, setting)
    yield from _spot_problems(pool, path)
    if machine is None:
        return
    if machine.refused:
        others = ", ".join(
            name for name, row in machines().items()
            if not row.refused and row.network not in (FabricNetwork.NONE, FabricNetwork.TCPX, FabricNetwork.TCPXO)
        )  # fmt: skip
        yield Problem(path=f"{path}.machineType", message=f"{machine.name!r}: {machine.refused}; take one of {others}")
        return
    yield from _group_problems(pool, machine, path)
    yield from _capacity_problems(pool, asked, machine, path)
    yield from _driver_problems(pool, asked, machine)
    yield from _placement_problems(pool, asked, machine, path)
    yield from _compact_problems(pool, asked, machine, path)
    yield from _fabric_problems(pool, machine, path)
    yield from _disk_problems(pool, path)
    if pool.most > MAX_NODES:
        key = "count" if pool.max_count is None else "maxCount"
        message = f"{pool.most} nodes; a node pool of GKE has {MAX_NODES} in a zone at most: use several pools"
        yield Problem(path=f"{path}.{key}", message=message)


def place_problems(
    pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine | None, path: str, setting: PoolSetting
) -> Iterator[Problem]:
    """Zone, reservation and block of a pool, whoever makes it."""
    yield from _zone_problems(pool, machine, path, setting.region)
    yield from _reservation_problems(pool, path)
    yield from _block_problems(pool, asked, path, setting)


def capacity_of(pool: NodePoolSpec, asked: GcpPoolSpec) -> GcpCapacityKind:
    """The way in which the pool's machines are had."""
    if asked.flex_start is not None:
        return GcpCapacityKind.QUEUED if asked.flex_start.queued else GcpCapacityKind.FLEX_START
    if pool.capacity.spot is not None:
        return GcpCapacityKind.SPOT
    held = pool.capacity.reservation or pool.capacity.capacity_block
    return GcpCapacityKind.RESERVATION if held is not None else GcpCapacityKind.ON_DEMAND


def _name_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    if pool.name == SYSTEM:
        what = f"{SYSTEM!r} is reserved for the pool of the cluster's own pods; choose another name"
        yield Problem(path=f"{path}.name", message=what)


def _group_problems(pool: NodePoolSpec, machine: GcpMachine, path: str) -> Iterator[Problem]:
    """Each slice or domain has its number after the pool's name."""
    numbered = machine.is_tpu or machine.compute_domain
    if numbered and len(pool.name) > LONGEST_NAME - len("-999"):
        message = (
            f"{pool.name!r} and a slice's number are more than the {LONGEST_NAME} characters of a node pool's name"
        )
        yield Problem(path=f"{path}.name", message=f"{message}; shorten it")


def _mark_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    marks = [("labels", key) for key in pool.labels] + [("taints", taint.key) for taint in pool.taints]
    for kind, key in marks:
        domain = key.rpartition("/")[0]
        for reserved in _RESERVED:
            if domain == reserved or domain.endswith(f".{reserved}"):
                message = f"{key!r}: what begins with {reserved} is not set by hand; take a domain of your own, or none"
                yield Problem(path=f"{path}.{kind}", message=message)
                break


def _zone_problems(pool: NodePoolSpec, machine: GcpMachine | None, path: str, region: str) -> Iterator[Problem]:
    """Accelerators are in some zones of a region, and no list says in which."""
    zone = zone_of(pool)
    held = pool.capacity.reservation or pool.capacity.capacity_block
    if held and held.zone and pool.zone and held.zone != pool.zone:
        message = f"{pool.zone!r} is not {held.zone}, the zone of its reservation; remove zone, or correct one of them"
        yield Problem(path=f"{path}.zone", message=message)
    if zone is None:
        if machine is not None and machine.accelerator is not None:
            known = ", ".join(regions().get(region, ())) or "one of the region's"
            what = f"is missing: {machine.name} is in some zones only, and a pool stands in one; "
            ask = f"`gcloud compute machine-types list --filter=name={machine.name}` tells which"
            yield Problem(path=f"{path}.zone", message=f"{what}give one of {known} ({ask})")
    elif region and (region_of(zone) != region or not re.fullmatch(r"[a-z]|ai\d+[a-z]", zone.rpartition("-")[2])):
        kind = "reservation" if pool.capacity.reservation else "capacityBlock"
        where = f"capacity.{kind}.zone" if held and held.zone else "zone"
        remedy = f"take one of {', '.join(regions()[region])}"
        remedy += ", or write the region of the reservation as cluster.region" if held and held.zone else ""
        yield Problem(path=f"{path}.{where}", message=f"{zone!r} is no zone of {region}; {remedy}")


def _reservation_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    for kind, held in (("reservation", pool.capacity.reservation), ("capacityBlock", pool.capacity.capacity_block)):
        if held is not None and not RESERVATION.fullmatch(held.id):
            form = (
                "projects/PROJECT/reservations/NAME with the project's id, and below it /reservationBlocks/NAME where"
            )
            path_of = _LINK.search(held.id)
            write = f"projects/{path_of[1]}{path_of[2]}" if path_of else ""
            remedy = f"write {write if RESERVATION.fullmatch(write) else 'that'}"
            message = f"{held.id!r} is not the full path of a reservation: {form} it is one block of it; {remedy}"
            yield Problem(path=f"{path}.capacity.{kind}.id", message=message)
    reservation = pool.capacity.reservation
    if reservation is not None and reservation.placement_group is not None:
        message = (
            f"{reservation.placement_group!r}: a reservation on Google Cloud places its machines itself; remove it"
        )
        yield Problem(path=f"{path}.capacity.reservation.placementGroup", message=message)


def _block_problems(pool: NodePoolSpec, asked: GcpPoolSpec, path: str, setting: PoolSetting) -> Iterator[Problem]:
    block = pool.capacity.capacity_block
    if block is None or asked.flex_start is not None:
        return  # of flex start and a block, one has to go first
    where = f"{path}.capacity.capacityBlock"
    if block.ends_at <= setting.now:
        message = f"{block.ends_at:%Y-%m-%dT%H:%MZ} is in the past; take the pool out, or give another block"
        yield Problem(path=f"{where}.endsAt", message=message)
    if setting.expires_at is not None and setting.expires_at <= block.starts_at:
        message = f"{block.starts_at:%Y-%m-%dT%H:%MZ} is after cluster.expiresAt; set that to the end of the block"
        yield Problem(path=f"{where}.startsAt", message=message)
    for key, bound in (("minCount", pool.min_count), ("maxCount", pool.max_count)):
        if bound not in (None, pool.count):
            message = f"{bound}: a block is paid for as a whole, so its pool has a fixed size; remove it"
            yield Problem(path=f"{path}.{key}", message=message)


def _spot_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    spot = pool.capacity.spot
    if spot is None:
        return
    if spot.fallback is not None:
        message = (
            f"{spot.fallback!r}: not made on GKE in this release; remove it, or write a second pool at list price "
            "(minCount: 0) and name it in the workload"
        )
        yield Problem(path=f"{path}.capacity.spot.fallback", message=message)
    if spot.alternatives:
        message = f"{', '.join(spot.alternatives)}: a node pool of GKE has one machine type; remove them"
        yield Problem(path=f"{path}.capacity.spot.alternatives", message=message)


def _capacity_problems(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine, path: str) -> Iterator[Problem]:
    kind = capacity_of(pool, asked)
    if asked.flex_start is not None and pool.capacity.on_demand is None:
        message = "given, and cluster.nodePools has another capacity for the pool; leave that out, or remove flexStart"
        yield Problem(path=f"gcp.pools.{pool.name}.flexStart", message=message)
    elif kind is GcpCapacityKind.QUEUED and machine.is_tpu:
        message = "true: nobody has shown that slices of TPUs come by queued requests; remove it: they come as a whole"
        yield Problem(path=f"gcp.pools.{pool.name}.flexStart.queued", message=message)
    elif kind not in machine.capacity:
        where = f"gcp.pools.{pool.name}.flexStart" if asked.flex_start else f"{path}.capacity"
        known = " or ".join(machine.capacity)
        yield Problem(path=where, message=f"{kind.value!r}, but {machine.name} is had as {known} only; take that")
    if asked.flex_start is not None and pool.count:
        message = (
            f"{pool.count}: machines of flexStart come when jobs wait for them; write count: 0, and maxCount as many "
            "as the largest job has"
        )
        yield Problem(path=f"{path}.count", message=message)
    elif asked.flex_start is not None and not pool.most:
        message = "is missing: without it no machine of flexStart ever comes; write as many as the largest job has"
        yield Problem(path=f"{path}.maxCount", message=message)
    held = kind is GcpCapacityKind.RESERVATION
    if held and pool.least != pool.most:
        message = f"{pool.least} to {pool.most}: a reservation is paid for as a whole; give its pool a fixed count"
        yield Problem(path=f"{path}.{'minCount' if pool.min_count is not None else 'maxCount'}", message=message)


def _driver_problems(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine) -> Iterator[Problem]:
    if "driver" in asked.model_fields_set and (machine.accelerator is None or machine.is_tpu):
        message = f"{asked.driver.value!r}, and {machine.name} has no NVIDIA accelerators; remove it"
        yield Problem(path=f"gcp.pools.{pool.name}.driver", message=message)
    if asked.topology is not None and not machine.is_tpu:
        message = f"{asked.topology!r}, and {machine.name} has no TPUs; remove it"
        yield Problem(path=f"gcp.pools.{pool.name}.topology", message=message)


def _placement_problems(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine, path: str) -> Iterator[Problem]:
    """Machines of a reservation stand where that was made; those of TPUs and of NVLink domains by their topology."""
    placement, kind = pool.placement, capacity_of(pool, asked)
    if placement is None or placement.kind is PlacementKind.NONE:
        return
    where = f"{path}.placement"
    if placement.kind is PlacementKind.FROM_RESERVATION:
        if kind is not GcpCapacityKind.RESERVATION:
            yield Problem(path=where, message="'fromReservation', but the pool has no reservation; remove it")
    elif machine.is_tpu or machine.compute_domain:
        message = f"{placement.kind.value!r}: {machine.name} is placed by its topology; leave it out"
        yield Problem(path=where, message=message)
    elif kind is GcpCapacityKind.RESERVATION:
        message = f"{placement.kind.value!r}: a reservation places its machines itself; leave it out"
        yield Problem(path=where, message=message)
    elif kind in (GcpCapacityKind.FLEX_START, GcpCapacityKind.QUEUED):
        message = f"{placement.kind.value!r}: GKE places no {kind.value} machines of {machine.name} close; remove it"
        yield Problem(path=where, message=message)
    elif placement.kind is PlacementKind.CREATE and not _COMPACT.match(machine.name):
        message = f"'create': no compact placement policy takes {machine.name}; leave it out"
        yield Problem(path=where, message=message)


def _compact_problems(pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine, path: str) -> Iterator[Problem]:
    """More machines than a compact placement policy takes, which a pool with RDMA and without a reservation has."""
    placed = pool.placement is None and machine.network is FabricNetwork.ROCE and not pool.fabric_waived
    own = placed or (pool.placement is not None and pool.placement.kind is PlacementKind.CREATE)
    most = next((count for family, count in _MOST_COMPACT.items() if machine.name.startswith(family)), pool.most)
    kinds = (GcpCapacityKind.ON_DEMAND, GcpCapacityKind.SPOT)
    if own and capacity_of(pool, asked) in kinds and pool.most > most:
        key = "count" if pool.max_count is None else "maxCount"
        message = f"{pool.most} nodes; a compact placement of {machine.name} has {most} at most: lower it, use several"
        yield Problem(path=f"{path}.{key}", message=f"{message} pools, or a reservation")


def _fabric_problems(pool: NodePoolSpec, machine: GcpMachine, path: str) -> Iterator[Problem]:
    if pool.fabric_wanted:
        message = f"{machine.name} has its fabric without being asked, where it has one; remove it"
        yield Problem(path=f"{path}.fabric.wanted", message=message)
    wired = machine.network is not FabricNetwork.NONE or machine.is_tpu
    if machine.accelerator is None or wired or pool.most <= 1 or pool.fabric_waived:
        return
    others = [
        row.name for row in machines().values()
        if row.network is not FabricNetwork.NONE and not row.refused and row.accelerator
    ]  # fmt: skip
    message = (
        f"{machine.name!r} has no RDMA, so {pool.most} nodes of {machine.accelerator.name} would use plain TCP; say "
        f"why that is enough with {{none: <reason>}}, or take one of {', '.join(others)}"
    )
    yield Problem(path=f"{path}.fabric", message=message)


def _disk_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    if pool.root_disk_gib is not None and pool.root_disk_gib < 50:
        message = f"{pool.root_disk_gib} GiB: GKE keeps over half of a small boot disk for itself; give 50 at least"
        yield Problem(path=f"{path}.rootDiskGib", message=message)
