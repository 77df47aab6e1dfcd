"""Decided contents of a Kubernetes cluster: the owner of each concern, penstock's own add-ons, the gate's checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from components.plan.part import Decision

Manifest = Mapping[str, Any]
"""A Kubernetes object as plain JSON data."""

NAMESPACE = "penstock"
"""Namespace of jobs, services, their volume claim and their queue."""

TOKEN_KEY = "token"  # noqa: S105  # the key's name
"""Key of a Secret that a stack file names, with the token in it."""


class Concern(StrEnum):
    """A thing that exactly one piece of software may do on a cluster."""

    DRIVER = "accelerator driver"
    CONTAINER_TOOLKIT = "container toolkit"
    DEVICE_PLUGIN = "accelerator device plugin"
    COMPUTE_DOMAINS = "compute domains"
    FABRIC_DEVICES = "fabric devices"
    DCGM = "DCGM host engine"
    DCGM_EXPORTER = "accelerator metrics"
    NODE_FEATURES = "node feature discovery"
    NODE_HEALTH = "node problem detection"
    NODE_REPAIR = "node repair"
    TOPOLOGY_LABELS = "topology labels"
    NODE_AUTOSCALER = "node autoscaler"
    PROMETHEUS_OPERATOR = "Prometheus operator"
    EXTERNAL_METRICS = "external metrics"
    CERTIFICATES = "certificates"
    JOBSET = "JobSet controller"
    MPIJOB = "MPIJob definition"
    TRAINJOB = "Trainer controller"
    RAY = "Ray operator"
    QUEUES = "job queues"
    GANG_SCHEDULER = "gang scheduler"
    LUSTRE_CSI = "Lustre CSI driver"
    NFS_CSI = "NFS CSI driver"
    GATEWAY_API = "Gateway API"
    LOGS = "log collection"
    DNS_NAMES = "DNS names"


class Owner(StrEnum):
    """Owner of a concern."""

    IMAGE = "image"
    """The node image brings it."""
    CLOUD = "cloud"
    """The cloud runs it, or an add-on of the cloud's own."""
    PENSTOCK = "penstock"
    """An add-on that penstock installs."""
    OTHERS = "others"
    """It was on the cluster before penstock, which leaves it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Owner of one concern on this cluster, with the evidence."""

    owner: Owner
    by: str
    """The software, such as `eks-node-monitoring-agent`; an add-on's name where penstock is the owner."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerFacts:
    """Load balancers that a cloud makes for Services of a cluster."""

    addon: str
    """Add-on that makes them; empty where the cluster's own cloud does."""
    service_class: str
    """The class of a Service by which that one and no other takes it; empty where there is none to name."""
    internal: Mapping[str, str]
    """Annotations of a Service for addresses of the network alone."""
    internet: Mapping[str, str]
    """Those for public addresses; none where the network has no way in."""
    network: tuple[str, ...]
    """The network's own ranges."""
    group: Mapping[str, str] = field(default_factory=dict)
    """Annotations of a Service whose endpoints the cloud keeps as a group, for a balancer over regions; none where it
    keeps no such."""
    group_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes on which these endpoints run, so that it is known where the group is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesFacts:
    """Facts that a provider knows of its Kubernetes before anything is installed."""

    version: str
    """`1.35`."""
    flavour: str
    """Make of the Kubernetes: `eks`, `hyperpod`, `existing`."""
    owners: Mapping[Concern, Ownership] = field(default_factory=dict)
    """Concerns that others than penstock take care of already. A concern that is missing here nobody does."""
    refused_addons: Mapping[str, str] = field(default_factory=dict)
    """Add-ons that must not be installed here, with the reason: upstream Kueue on CoreWeave."""
    addon_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By add-on, values of its chart that only this cloud knows: a region's registry, names of machine types."""
    addon_objects: Mapping[str, tuple[Manifest, ...]] = field(default_factory=dict)
    """By add-on, custom resources of its kinds that only this cluster knows: subnets and machine types of pools."""
    storage_class: Manifest | None = None
    """Default storage class that its own cluster is given, as charts claim disks without naming one; None: made by
    nobody here."""
    system_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels of the nodes that controllers belong on; empty where there are none of their own."""
    log_output: str = ""
    """Fluent Bit's outputs into the log service of the cloud; empty where penstock knows of none."""
    keeps_metrics: bool = False
    """The cloud takes metrics; its handle says by which values of the chart."""
    balancers: BalancerFacts | None = None
    """Load balancers in front of services; None where penstock knows of none."""
    uncounted: tuple[str, ...] = ()
    """Prefixes of resources that the cluster itself adds to pods, and that no queue has a quota of."""
    critical_by_quota: bool = False
    """Pods of the system's priority classes outside kube-system are refused unless their namespace has a quota for
    them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """A Helm release."""

    chart: str
    """Its name, or an `oci://` address."""
    repository: str
    """Empty for an `oci://` chart."""
    version: str
    values: Mapping[str, Any]
    timeout_s: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonPlan:
    """One piece of software on the cluster."""

    name: str
    namespace: str
    release: ReleasePlan | None
    """None where it is made of manifests alone."""
    manifests: tuple[Manifest, ...] = ()
    """Objects beside the release, made before it."""
    objects: tuple[Manifest, ...] = ()
    """Custom resources of its own kinds, made behind the barrier."""
    crds: tuple[str, ...] = ()
    """Names of definitions (`clusterqueues.kueue.x-k8s.io`) that must be established before its objects."""
    webhooks: tuple[str, ...] = ()
    """`namespace/service` of webhooks that must answer before its objects."""
    needs: tuple[str, ...] = ()
    """Add-ons that must be ready before."""
    does: tuple[Concern, ...] = ()
    reason: str = ""
    """The cause of its being on, which `plan_platform` adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformPlan:
    """All that penstock installs, in order, and who does what in the end."""

    addons: tuple[AddonPlan, ...]
    owners: Mapping[Concern, Ownership]
    decisions: tuple[Decision, ...]
    """Also what is off, and why."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """A queue that takes jobs."""

    name: str
    nodes: Mapping[str, int]
    """Nodes of each pool that are its own."""
    may_borrow: bool
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerPlan:
    """The scheduler of jobs, with the queues as objects of its own kinds."""

    kind: str
    addons: tuple[str, ...]
    """Add-ons it consists of or stands on."""
    queues: tuple[QueuePlan, ...]
    objects: tuple[Manifest, ...]
    """Made behind the barriers of those add-ons, in this order."""
    opening: tuple[Manifest, ...] = ()
    """By which jobs come in, such as a LocalQueue: made once the gate has passed. No object is in both."""
    decisions: tuple[Decision, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolExpectation:
    """Equipment that each node of a pool must have before queues open."""

    pool: str
    nodes: int
    selector: Mapping[str, str]
    devices: Mapping[str, int]
    """Device resources that the node must offer, accelerators and fabric: `nvidia.com/gpu: 8`."""
    check: Manifest | None
    """The fabric check's Job; None where the pool has no two nodes or no fabric to check."""
    probe: Manifest | None = None
    """The gate's probe for this pool's nodes; None where `GatePlan.probe` is right for them."""
    floor_gbps: float
    """Gigabytes per second of bus bandwidth; 0 where no floor is known."""
    floor_source: str
    file_system_module: str = ""
    """Kernel module that must be in use on its nodes, as their file system is reached over the fabric by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """Checks that the cluster must pass before queues open."""

    pools: tuple[PoolExpectation, ...]
    probe: Manifest | None
    """Pod that mounts the volume on one node and writes to it; the gate sets its name and node."""
    timeout_s: int
    objects: tuple[Manifest, ...] = ()
    """Objects that its checks stand on: the NVLink domains of pools that span machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsidePlan:
    """Everything that one stack puts on its Kubernetes."""

    facts: KubernetesFacts
    platform: PlatformPlan
    scheduler: SchedulerPlan
    gate: GatePlan | None
    """None where the user switched it off."""
    balances: bool = False
    """Proxies of Gateways stand behind load balancers of the cloud."""
