"""Problems of a pool that AWS would refuse, or would take and not do as meant: told before anything exists."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from components.errors import Problem
from components.fabric import Fabric
from components.spec.cluster import NodePoolSpec, PlacementKind
from providers.aws.catalog import MAX_NODES, AwsMachine, CapacityKind, machines
from providers.aws.nodes.alternatives import alternative_problems
from providers.aws.nodes.blocks import MOST_INSTANCES, block_problems, in_utc
from providers.aws.nodes.labels import mark_problems
from providers.aws.nodes.zones import reserved_zone, zone_problems
from providers.aws.regions import Region

_RESERVATION = re.compile(r"cr-[0-9a-f]{8}([0-9a-f]{9})?")
_RESOURCE_GROUP = re.compile(r"arn:aws[-a-z]*:resource-groups:[-a-z0-9]+:\d{12}:group/\S+")

_LONGEST_NAME = 128 - len("-1234567")
"""Of a launch template (EC2, CreateLaunchTemplate), less what Pulumi adds. Node groups bear the pool's name alone,
which is shorter than the 63 that EKS allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Surroundings of the pools."""

    region: Region | None
    """None where the spec names none that there is: what depends on it is then not looked at."""
    kubernetes_version: str | None
    control_plane: str
    now: datetime
    expires_at: datetime | None
    stack: str
    pools: tuple[NodePoolSpec, ...]


def pool_problems(pool: NodePoolSpec, machine: AwsMachine | None, setting: Setting) -> list[Problem]:
    """All that is wrong with one pool; without its machine, what does not depend on it."""
    path = f"cluster.nodePools.{pool.name}"
    found = [
        *mark_problems(pool, path),
        *_name_problems(pool, path, setting),
        *zone_problems(pool, setting.region),
        *_placement_problems(pool, path),
        *_block_problems(pool, path, setting),
    ]
    if machine is None:
        return found
    return [
        *_offer_problems(pool, machine, path, setting.region),
        *_capacity_problems(pool, machine, path),
        *_fabric_problems(pool, machine, path),
        *_wanted_problems(pool, machine, path),
        *_burstable_problems(pool, machine, path),
        *alternative_problems(
            pool, machine, path, setting.region, control_plane=setting.control_plane, fabric=fabric_of(pool, machine)
        ),
        *_cluster_problems(machine, path, setting),
        *_count_problems(pool, path),
        *found,
    ]


def fabric_of(pool: NodePoolSpec, machine: AwsMachine) -> Fabric:
    """EFA for a gang of accelerators on machines that have it, unless the user says why not; for one node where the
    user says why.
    """
    if pool.most <= 1:
        return Fabric.EFA if pool.fabric_wanted and machine.max_efa else Fabric.HOST
    wired = machine.accelerator is not None and machine.max_efa > 0 and not pool.fabric_waived
    return Fabric.EFA if wired else Fabric.ETHERNET


def fallback_name(pool: NodePoolSpec) -> str:
    return f"{pool.name}-on-demand"


def _name_problems(pool: NodePoolSpec, path: str, setting: Setting) -> Iterator[Problem]:
    spot = pool.capacity.spot
    fallback = spot is not None and spot.fallback is not None
    longest = f"{setting.stack}-{fallback_name(pool) if fallback else pool.name}"
    if len(longest) > _LONGEST_NAME:
        message = f"{pool.name!r} makes {longest!r}, and AWS's name of a launch template has {_LONGEST_NAME} characters"
        yield Problem(path=f"{path}.name", message=f"{message} at most; shorten it, or the stack's")
    if fallback and fallback_name(pool) in {other.name for other in setting.pools}:
        message = f"{fallback_name(pool)!r}, the fallback of {pool.name}, is a pool of its own already; rename that one"
        yield Problem(path=f"{path}.name", message=message)


def _placement_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    asked, reservation, block = pool.placement, pool.capacity.reservation, pool.capacity.capacity_block
    if asked is None or asked.kind is PlacementKind.NONE:
        return
    where = f"{path}.placement"
    if asked.kind is PlacementKind.FROM_RESERVATION:
        if reservation is None and block is None:
            message = (
                "'fromReservation', but the pool has no reservation and no capacity block; create is a group of its own"
            )
            yield Problem(path=where, message=message)
        return
    if block is not None:
        message = (
            f"{asked.kind.value!r}: a capacity block places its machines itself, and fails in a group; leave it out"
        )
        yield Problem(path=where, message=message)
    elif reservation is not None and (asked.group is None or asked.group != reservation.placement_group):
        there = reservation.placement_group or "no group"
        message = (
            f"{asked.group or asked.kind.value!r}, but the reservation was made in {there}, and machines elsewhere do"
            " not use it; write fromReservation, and the group as capacity.reservation.placementGroup"
        )
        yield Problem(path=where, message=message)


def _burstable_problems(pool: NodePoolSpec, machine: AwsMachine, path: str) -> Iterator[Problem]:
    """Of a machine type that no cluster placement group takes."""
    if machine.burstable and pool.placement is not None and pool.placement.kind in _GROUPED:
        message = (
            f"{pool.placement.kind.value!r}, but no cluster placement group takes {machine.name}; leave it out, or "
            "take a machine type that is not burstable"
        )
        yield Problem(path=f"{path}.placement", message=message)


_GROUPED = (PlacementKind.CREATE, PlacementKind.EXISTING)


def _block_problems(pool: NodePoolSpec, path: str, setting: Setting) -> Iterator[Problem]:
    block = pool.capacity.capacity_block
    if block is None:
        return
    where = f"{path}.capacity.capacityBlock"
    yield from block_problems(block, where, setting.now)
    if setting.expires_at is not None and setting.expires_at <= block.starts_at:
        message = f"{in_utc(block.starts_at)} is when the cluster has expired ({in_utc(setting.expires_at)})"
        yield Problem(path=f"{where}.startsAt", message=f"{message}; set cluster.expiresAt to the end of the block")
    if pool.most > MOST_INSTANCES:
        message = f"{pool.most} machines; a capacity block has at most {MOST_INSTANCES}: use several pools and blocks"
        yield Problem(path=f"{path}.count", message=message)
    for key, bound in (("minCount", pool.min_count), ("maxCount", pool.max_count)):
        if bound not in (None, pool.count):
            message = f"{bound}: a capacity block is paid for as a whole, so its pool has a fixed size; remove it"
            yield Problem(path=f"{path}.{key}", message=message)


def _offer_problems(pool: NodePoolSpec, machine: AwsMachine, path: str, region: Region | None) -> Iterator[Problem]:
    """Zones are looked at only where they mean the same in every account: ids, and names of local ones."""
    if region is None:
        return
    offered = machine.zones_in(region)
    if not offered:
        message = f"{machine.name!r} is not offered in {region.name}; it is in {', '.join(machine.regions())}"
        yield Problem(path=f"{path}.machineType", message=f"{message}: set cluster.region to one of them")
        return
    zone = pool.zone or reserved_zone(pool)
    if zone is None or not region.has(zone):
        return
    if not region.may_offer(region.called(zone), machine.zones):
        message = f"{zone!r} does not offer {machine.name}; it is in {', '.join(offered)}"
        yield Problem(path=f"{path}.zone", message=message)


def _capacity_problems(pool: NodePoolSpec, machine: AwsMachine, path: str) -> Iterator[Problem]:
    fields = {
        CapacityKind.ON_DEMAND: pool.capacity.on_demand,
        CapacityKind.SPOT: pool.capacity.spot,
        CapacityKind.RESERVATION: pool.capacity.reservation,
        CapacityKind.CAPACITY_BLOCK: pool.capacity.capacity_block,
    }
    (asked,) = (kind for kind, value in fields.items() if value is not None)
    if asked not in machine.capacity:
        message = f"{asked.value!r}, but {machine.name} is available as {' or '.join(machine.capacity)} only; take that"
        yield Problem(path=f"{path}.capacity", message=message)
    held = pool.capacity.reservation or pool.capacity.capacity_block
    if held is None or _RESERVATION.fullmatch(held.id):
        return
    grouped = asked is CapacityKind.RESERVATION or bool(machine.ultra_server)
    if not (grouped and _RESOURCE_GROUP.fullmatch(held.id)):
        other = " or the ARN of a resource group" if grouped else ""
        message = f"{held.id!r} is not a reservation's id such as cr-0a1b2c3d4e5f60718{other}"
        if held.id.startswith("cbo-"):
            bought = "buy it (`aws ec2 purchase-capacity-block`), and write the id of the reservation that this answers"
            message = f"{held.id!r} is an offering, not yet bought; {bought}"
        yield Problem(path=f"{path}.capacity.{asked.value}.id", message=message)


def _wanted_problems(pool: NodePoolSpec, machine: AwsMachine, path: str) -> Iterator[Problem]:
    """A fabric asked for by name: where there is none, where it is there anyhow, and where nothing would use it."""
    if not pool.fabric_wanted:
        return
    if not machine.max_efa:
        family = machine.name.partition(".")[0]
        others = [name for name, row in machines().items() if row.max_efa and name.startswith(f"{family}.")]
        take = f"take {' or '.join(others)}, or remove it" if others else "remove it"
        yield Problem(path=f"{path}.fabric.wanted", message=f"{machine.name!r} has no EFA; {take}")
    elif pool.most > 1 and machine.accelerator is not None:
        message = f"{pool.most} nodes of {machine.name} have their EFA without being asked; remove it"
        yield Problem(path=f"{path}.fabric.wanted", message=message)
    elif pool.most > 1:
        message = (
            f"{pool.most} nodes of {machine.name}: jobs on processors talk over TCP, and EFA for a file system alone "
            "is given to pools of one node; give each node a pool of its own, or remove it"
        )
        yield Problem(path=f"{path}.fabric.wanted", message=message)


def _fabric_problems(pool: NodePoolSpec, machine: AwsMachine, path: str) -> Iterator[Problem]:
    if machine.accelerator is None or machine.max_efa or pool.most <= 1 or pool.fabric_waived:
        return
    name = machine.accelerator.name
    others = [row.name for row in machines().values() if row.max_efa and row.accelerator == machine.accelerator]
    take = f", or take {' or '.join(others)}" if others else ""
    message = (
        f"{machine.name!r} has no EFA, so {pool.most} nodes of {name} would use plain TCP; say why that is enough"
        f" with {{none: <reason>}}{take}"
    )
    yield Problem(path=f"{path}.fabric", message=message)


def _cluster_problems(machine: AwsMachine, path: str, setting: Setting) -> Iterator[Problem]:
    if machine.compute_domain and setting.control_plane != "eks":
        message = (
            f"{machine.name!r} joins its NVLink domain through a DRA driver of Kubernetes, which"
            f" {setting.control_plane} does not have; set aws.controlPlane.kind to eks"
        )
        yield Problem(path=f"{path}.machineType", message=message)
        return
    version = setting.kubernetes_version
    if setting.control_plane == "eks" and version is not None and _number(version) < _number(machine.min_kubernetes):
        message = f"{version!r} is too old for {machine.name} of {path}; it needs {machine.min_kubernetes} or newer"
        yield Problem(path="cluster.kubernetesVersion", message=message)


def _number(version: str) -> int:
    return int(version.partition(".")[2] or 0)


def _count_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    if pool.most > MAX_NODES:
        key = "count" if pool.max_count is None else "maxCount"
        message = f"{pool.most} nodes; a Kubernetes cluster supports at most {MAX_NODES} nodes: use several stacks"
        yield Problem(path=f"{path}.{key}", message=message)
