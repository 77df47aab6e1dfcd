"""Problems of a stack file that Cluster Director would refuse, or would take and not do as meant.

Sources: Cluster Director API v1 (discovery document, revision 20261021); Cluster Director, "Supported compute
resources", "Supported storage services" and "Obtain capacity" (2026-11); magic-modules 053a8044 (2026),
hypercomputecluster/Cluster.yaml; a public summary of "Choose a consumption option" and of the limits (2026).
"""

import re
from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from components.errors import Problem
from components.spec.cluster import NodePoolSpec
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from providers.gcp.catalog import GcpMachine, machines
from providers.gcp.nodes.refusals import PoolSetting, capacity_of, place_problems
from providers.gcp.settings import GcpPoolSpec
from providers.gcp.zones import zone_of

HOME = "/home"
"""Of users, on a file system that login nodes, nodes and the controller share ("Supported storage services": "a shared
file system is required for the /home directory")."""
LONGEST_CLUSTER, LONGEST_POOL = 10, 40
"""Of a cluster's id (API, clusterId); of a pool's name, to which a digest is added (ids of node sets: 63)."""
_CLUSTER, _ID = re.compile(r"[a-z][a-z0-9]*"), re.compile(r"[a-z][a-z0-9]*")
"""API: "lower-case, alphanumeric", and a letter first by RFC 1034."""
_OTHER = "remove it, or set gcp.controlPlane.kind to gke"


def cluster_id(stack: str) -> str:
    """The stack's name without its dashes, which a cluster's id has none of."""
    return stack.replace("-", "")


def cluster_problems(spec: StackSpec, stack: str) -> Iterator[Problem]:
    """All that is wrong beside the pools themselves."""
    yield from _name_problems(stack)
    yield from _home_problems(spec)
    yield from _zone_problems(spec)
    yield from _kubernetes_problems(spec)
    if spec.existing_network is not None:
        message = "is not offered with Cluster Director: rules for its machines and for ssh would have to be in that "
        message += f"network, and no preview looks for them; {_OTHER}"
        yield Problem(path="cluster.network.existing", message=message)


def pool_problems(
    pool: NodePoolSpec, asked: GcpPoolSpec, machine: GcpMachine | None, setting: PoolSetting
) -> Iterator[Problem]:
    """All that is wrong with one pool; without its machine, what does not depend on it."""
    path = f"cluster.nodePools.{pool.name}"
    if not _ID.fullmatch(pool.name) or len(pool.name) > LONGEST_POOL:
        what = f"a partition has small letters and digits alone, a letter first, {LONGEST_POOL} at most; rename it"
        yield Problem(path=f"{path}.name", message=f"{pool.name!r}: {what}")
    yield from place_problems(pool, asked, machine, path, setting)
    yield from _mark_problems(pool, path)
    yield from _setting_problems(pool, asked, path)
    if machine is None:
        return
    if not machine.director:
        known = ", ".join(name for name, row in machines().items() if row.director)
        message = f"{machine.name!r} is no machine type of Cluster Director's, as far as is offered here; take one of "
        yield Problem(path=f"{path}.machineType", message=f"{message}{known}")
        return
    kind = capacity_of(pool, asked)
    if kind not in machine.director:
        where = f"gcp.pools.{pool.name}.flexStart" if asked.flex_start else f"{path}.capacity"
        message = f"{kind.value!r}, but Cluster Director has {machine.name} as {' or '.join(machine.director)} only"
        yield Problem(path=where, message=f"{message}; take that")
    elif asked.flex_start is not None and pool.capacity.on_demand is None:
        message = "given, and cluster.nodePools has another capacity for the pool; leave that out, or remove flexStart"
        yield Problem(path=f"gcp.pools.{pool.name}.flexStart", message=message)


def _name_problems(stack: str) -> Iterator[Problem]:
    name = cluster_id(stack)
    if not _CLUSTER.fullmatch(name):
        message = "is part of Google's names: lower-case letters, digits and dashes, a letter first"
        yield Problem(path="stack", message=f"{stack!r} {message}; choose another name for the stack")
    elif len(name) > LONGEST_CLUSTER:
        message = f"{stack!r} makes the cluster {name!r} of {len(name)} characters, and Cluster Director takes "
        yield Problem(path="stack", message=f"{message}{LONGEST_CLUSTER} at most; give the stack a shorter name")


def _home_problems(spec: StackSpec) -> Iterator[Problem]:
    paths = dict(spec.storage.mount_paths())
    if "storage" in spec.wrong or HOME in paths.values():
        return
    message = f"login nodes and nodes share {HOME} on a file system, and none is mounted there; add "
    message += "`sharedFileSystem: {mountPath: /home}` (Filestore), or fileSystem with that path (Managed Lustre)"
    yield Problem(path="storage", message=message)


def _zone_problems(spec: StackSpec) -> Iterator[Problem]:
    """Machines and file systems of one cluster are in one zone (API: "must match the zone of any other resources")."""
    zones = {pool.name: zone for pool in spec.cluster.node_pools if (zone := zone_of(pool))}
    first = next(iter(zones.values()), "")
    for name, zone in zones.items():
        if zone != first:
            message = f"{zone!r}: Cluster Director has all of a cluster in one zone, and another pool is in {first}; "
            yield Problem(path=f"cluster.nodePools.{name}.zone", message=f"{message}move it there, or to its own stack")
    given = spec.cluster.network.zones
    if first and given and given[0] != first:
        message = f"{given[0]!r}: Cluster Director has all of a cluster in one zone, and the pools are in {first}; "
        yield Problem(path="cluster.network.zones", message=f"{message}leave it out")
    if first and len(first.rpartition("-")[2]) > 1:
        message = f"{first!r} is a zone for accelerators alone, and login nodes have to stand beside the pools; take "
        name = next(name for name, zone in zones.items() if zone == first)
        yield Problem(path=f"cluster.nodePools.{name}.zone", message=f"{message}another zone, or kind gke")


def _kubernetes_problems(spec: StackSpec) -> Iterator[Problem]:
    """Settings of Kubernetes and of penstock's schedulers: passed over, they would be missed."""
    if (version := spec.cluster.kubernetes_version) is not None:
        message = f"{version!r} is asked for, but controlPlane.kind is 'clusterDirector', which has no Kubernetes"
        yield Problem(path="cluster.kubernetesVersion", message=f"{message}; {_OTHER}")
    kind: SchedulerKind | None = spec.scheduler.kind
    asked = {"scheduler.kind": kind, "training": spec.training, "inference": spec.inference}
    for key in (key for key, value in asked.items() if value is not None):
        yield Problem(path=key, message=f"Cluster Director's Slurm takes jobs by its own commands; {_OTHER}")
    for name in sorted(spec.platform.model_fields_set):
        yield Problem(path=f"platform.{to_camel(name)}", message=f"Cluster Director has no Kubernetes for it; {_OTHER}")


def _mark_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    if pool.labels:
        message = f"{', '.join(sorted(pool.labels))}: Slurm has no node labels; {_OTHER}"
        yield Problem(path=f"{path}.labels", message=message)
    if pool.taints:
        keys = ", ".join(sorted(taint.key for taint in pool.taints))
        yield Problem(path=f"{path}.taints", message=f"{keys}: Slurm has no node taints; {_OTHER}")


def _setting_problems(pool: NodePoolSpec, asked: GcpPoolSpec, path: str) -> Iterator[Problem]:
    """Settings for which its API has no field."""
    own = f"gcp.pools.{pool.name}"
    reservation = pool.capacity.reservation or pool.capacity.capacity_block
    word = "reservation" if pool.capacity.reservation else "capacityBlock"
    spot = pool.capacity.spot
    rows = (
        (f"{own}.driver", "driver" in asked.model_fields_set, "the image has NVIDIA's driver"),
        (f"{own}.topology", asked.topology is not None, "Cluster Director makes no slices of TPUs for Slurm"),
        (f"{own}.flexStart.queued", bool(asked.flex_start and asked.flex_start.queued), "Slurm itself has a queue"),
        (f"{path}.placement", pool.placement is not None, "Cluster Director places machines itself"),
        (f"{path}.fabric", pool.fabric is not None, "Cluster Director wires the machines itself"),
        (f"{path}.capacity.{word}.id", reservation is not None and "/reservationBlocks/" in reservation.id,
         "v1 of the API takes a reservation as a whole, and no block of one"),
        (f"{path}.capacity.spot", bool(spot and (spot.fallback or spot.alternatives)),
         "a node set has one machine type and one way to have it"),
    )  # fmt: skip
    for key, given, why in rows:
        if given:
            yield Problem(path=key, message=f"is given, and has no field there: {why}; remove it")
