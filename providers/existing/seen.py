"""Facts of a cluster that is there already: nodes, devices, what runs on it. Derived from its listing; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.estimate.nodes import Room
from components.kubernetes.devices import CLIQUE_LABEL
from components.kubernetes.quantities import quantity
from components.labels import BLOCK_LABEL, QUARANTINE, RACK_LABEL, SHUT
from components.plan.cluster import Taint
from components.plan.kubernetes import Concern, Ownership
from components.spec.cluster import TaintEffect
from providers.existing.daemons import asked_on, others_daemons
from providers.existing.devices import is_device
from providers.existing.owners import Software, inventory_of, owners_of, software
from providers.existing.settings import ExistingSpec

Object = Mapping[str, Any]

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
"""Kubernetes' own label for the machine type; clouds set it, on bare metal often nobody does."""

CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

TOPOLOGY_KEYS = (
    "topology.kubernetes.io/zone",
    "topology.k8s.aws/network-node-layer-1",
    "topology.k8s.aws/network-node-layer-2",
    "topology.k8s.aws/network-node-layer-3",
    "topology.k8s.aws/network-node-layer-4",
    "cloud.google.com/gce-topology-block",
    "cloud.google.com/gce-topology-subblock",
    "cloud.google.com/gce-topology-host",
    "network.topology.nvidia.com/core",
    "network.topology.nvidia.com/spine",
    "network.topology.nvidia.com/leaf",
    "network.topology.nvidia.com/accelerator",
    "oci.oraclecloud.com/rdma.hpc_island_id",
    "oci.oraclecloud.com/rdma.network_block_id",
    "oci.oraclecloud.com/rdma.local_block_id",
    "ib.coreweave.cloud/superpod",
    "ib.coreweave.cloud/leafgroup",
    BLOCK_LABEL,
    RACK_LABEL,
    CLIQUE_LABEL,
)
"""Node labels that say where a node stands, each family from the widest domain to the narrowest: Kubernetes, EKS, GKE,
NVIDIA Topograph, OKE, CoreWeave, and penstock's own for machine rooms where nobody else says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNode:
    """One node, as far as plans care."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    """Without those by which Kubernetes marks a node that is not well, and without penstock's quarantine."""
    cores: int
    memory_gib: float
    capacity: Mapping[str, int]
    """Devices that it has."""
    allocatable: Mapping[str, int]
    """Devices that pods can have."""
    room: Room
    """Cores and memory that pods can have."""
    daemons: Room
    """Requests of the daemon sets that run on it, penstock's own left out."""
    usable: bool
    """Ready, not cordoned, not in quarantine."""

    def has(self, labels: Mapping[str, str]) -> bool:
        return all(self.labels.get(key) == value for key, value in labels.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenVolume:
    """A PersistentVolume that a claim is bound to."""

    source: Mapping[str, Any]
    """Source of the volume: `{csi: ...}`, `{nfs: ...}`."""
    mount_options: tuple[str, ...]
    access_modes: tuple[str, ...]
    capacity_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """A cluster as it was seen."""

    cluster_id: str
    git_version: str
    """`v1.36.3`."""
    nodes: tuple[SeenNode, ...]
    """Those that take pods; the control plane's own are not among them."""
    owners: Mapping[Concern, Ownership]
    """Concerns that others than this penstock take care of already."""
    kinds: frozenset[str]
    """Definitions that the cluster has: `clusterqueues.kueue.x-k8s.io`."""
    storage_classes: Mapping[str, str] = field(default_factory=dict)
    """By name, what becomes of a volume whose claim is deleted: `Delete` or `Retain`."""
    claims: Mapping[str, SeenVolume] = field(default_factory=dict)
    """By `namespace/name`, what a bound claim stands for."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """As of the listing."""

    @property
    def version(self) -> str:
        """`1.36`."""
        return ".".join(self.git_version.removeprefix("v").split(".")[:2])

    def nodes_with(self, labels: Mapping[str, str]) -> tuple[SeenNode, ...]:
        return tuple(node for node in self.nodes if node.has(labels))

    def machine_types(self) -> dict[str, int]:
        """Number of nodes of each instance type."""
        names = [node.labels[INSTANCE_TYPE] for node in self.nodes if INSTANCE_TYPE in node.labels]
        return {name: names.count(name) for name in sorted(set(names))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Answer of the API server, as JSON."""

    version: Object
    kube_system: Object
    nodes: Sequence[Object]
    workloads: Sequence[Object] = ()
    """Deployments, StatefulSets and DaemonSets of all namespaces."""
    definitions: Sequence[Object] = ()
    storage_classes: Sequence[Object] = ()
    volumes: Sequence[Object] = ()
    runtime_classes: Sequence[Object] = ()
    inventory: Object | None = None
    """Penstock's note of its own add-ons (components/kubernetes/inventory.py)."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Kinds that the credentials may not see, with the server's words. Their lists are empty and say nothing."""


def seen_in(listing: Listing) -> Discovery:
    """The cluster behind the listing."""
    daemons = others_daemons(listing.workloads, listing.inventory)
    nodes = tuple(_node(one, daemons) for one in listing.nodes if not is_control_plane(one))
    kinds = frozenset(str(one["metadata"]["name"]) for one in listing.definitions)
    running: tuple[Software, ...] = software(listing.workloads)
    devices = {name for node in nodes for name in node.capacity}
    return Discovery(
        cluster_id=str(listing.kube_system.get("metadata", {}).get("uid", "")),
        git_version=str(listing.version["gitVersion"]),
        nodes=nodes,
        owners=owners_of(running, kinds, devices, inventory_of(listing.inventory)),
        kinds=kinds,
        storage_classes={
            str(one["metadata"]["name"]): str(one.get("reclaimPolicy", "Delete")) for one in listing.storage_classes
        },
        claims={_claim(one): _volume(one) for one in listing.volumes if "claimRef" in one["spec"]},
        hidden=dict(listing.hidden),
    )


IS_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def default_class(listing: Listing) -> str:
    """Name of the storage class that a claim without one gets; "" where there is none."""
    for one in listing.storage_classes:
        marks = one["metadata"].get("annotations") or {}
        if any(marks.get(key) == "true" for key in IS_DEFAULT):
            return str(one["metadata"]["name"])
    return ""


def is_control_plane(node: Object) -> bool:
    """True if it is marked as such and keeps pods off: a cluster of one machine is its own control plane."""
    labels = node["metadata"].get("labels", {})
    taints = [taint["key"] for taint in node["spec"].get("taints", ())]
    return any(label in labels and label in taints for label in CONTROL_PLANE)


def _node(node: Object, daemons: Sequence[Object]) -> SeenNode:
    status = node.get("status", {})
    capacity, allocatable = status.get("capacity", {}), status.get("allocatable", {})
    total = capacity or allocatable
    return SeenNode(
        name=node["metadata"]["name"],
        labels=dict(node["metadata"].get("labels", {})),
        taints=tuple(_taints(node)),
        cores=int(quantity(total.get("cpu", 0))),
        memory_gib=round(quantity(total.get("memory", 0)) / 2**30, 1),
        capacity=_devices_of(capacity),
        allocatable=_devices_of(allocatable),
        room=offer(allocatable),
        daemons=asked_on(node, daemons),
        usable=is_usable(node),
    )


def offer(allocatable: Mapping[str, Any]) -> Room:
    """Cores and memory of a node's own words; none where it says nothing yet."""
    cores, memory = quantity(allocatable.get("cpu", 0)), quantity(allocatable.get("memory", 0))
    return Room(cores=cores, memory_gib=memory / 2**30)


def _devices_of(resources: Mapping[str, Any]) -> dict[str, int]:
    """The accelerators and fabric devices among a node's resources. One that it has none of is not among them."""
    found = {name: int(quantity(value)) for name, value in resources.items() if is_device(name)}
    return {name: count for name, count in sorted(found.items()) if count}


def is_usable(node: Object) -> bool:
    """Ready, not cordoned, not in quarantine. A node of a pool that is shut may be as good as any."""
    conditions = {one["type"]: one["status"] for one in node.get("status", {}).get("conditions", ())}
    bad = any(one["key"] == QUARANTINE and one.get("value") != SHUT for one in node["spec"].get("taints", ()))
    return conditions.get("Ready") == "True" and not node["spec"].get("unschedulable") and not bad


def _taints(node: Object) -> list[Taint]:
    return [
        Taint(key=one["key"], value=one.get("value", ""), effect=TaintEffect(one["effect"]))
        for one in node["spec"].get("taints", ())
        if not one["key"].startswith("node.kubernetes.io/") and one["key"] != QUARANTINE
    ]


def _claim(volume: Object) -> str:
    claim = volume["spec"]["claimRef"]
    return f"{claim['namespace']}/{claim['name']}"


NO_SOURCE = frozenset(
    {
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
        "storageClassName", "volumeAttributesClassName", "volumeMode",
    }
)  # fmt: skip
"""Fields of a PersistentVolume's spec that do not say where it lies (Kubernetes API, PersistentVolumeSpec)."""


def _volume(volume: Object) -> SeenVolume:
    spec = volume["spec"]
    return SeenVolume(
        source={key: value for key, value in spec.items() if key not in NO_SOURCE},
        mount_options=tuple(spec.get("mountOptions", ())),
        access_modes=tuple(spec.get("accessModes", ())),
        capacity_gib=max(1, int(quantity(spec.get("capacity", {}).get("storage", 0)) / 2**30)),
    )


class DiscoveredSpec(ExistingSpec):
    """The stack file's settings and what the cluster showed. A plan from it is as pure as one from the file alone."""

    seen: Discovery | None = None
    unseen: str = ""
    """Reason why nothing was seen; empty where something was, and where nobody looked."""
