"""A cluster that will exist, decided: plain values without an open question left in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from components.catalog import MachineType
from components.errors import Problem, SpecError
from components.estimate.nodes import CAUTIOUS_DAEMONS, Room, cautious_allocatable, without_daemons
from components.fabric import Collective, Fabric
from components.plan.images import ImageUse
from components.plan.kubernetes import KubernetesFacts
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.cluster import TaintEffect
from components.spec.storage import OnDestroy


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A mark that keeps pods off a node unless they tolerate it."""

    key: str
    value: str
    effect: TaintEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file system as a job sees it."""

    volume: str
    """The name of the VolumePlan."""
    path: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of every pod that mounts it, such as those by which a driver adds its own container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPath:
    """A file, folder or socket of the node, mounted into a pod."""

    path: str
    """Absolute path on the node."""
    mount_path: str
    """Absolute path in the container."""
    read_only: bool = True
    kind: str = ""
    """Type of a hostPath volume (`Directory`, `CharDevice`, `Socket`...); empty: not checked before the mount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A container beside the main one for as long as that runs, such as the receive daemon of GPUDirect-TCPXO.

    It becomes an init container that is always restarted (Kubernetes 1.29), so that a job's pod ends with its job.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    """Entry point and arguments; empty: the image's own."""
    env: Mapping[str, str] = field(default_factory=dict)
    host_paths: tuple[HostPath, ...] = ()
    shared_paths: tuple[str, ...] = ()
    """Folders, empty at first, that it and the main container both see at these absolute paths: for sockets."""
    capabilities: tuple[str, ...] = ()
    """As in `PodBinding.capabilities`."""
    privileged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceClaim:
    """Devices by dynamic resource allocation (resource.k8s.io), claimed anew for each pod."""

    name: str
    """In the pod: a DNS label."""
    template: str
    """Name of a ResourceClaimTemplate in the pod's namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodBinding:
    """Requirements of a pod that is to reach its pool's accelerators and fabric.

    components/pods/bind.py alone applies it, to every pod on the pool; it adds and never replaces.
    """

    devices: Mapping[str, int] = field(default_factory=dict)
    """Device resources of one node by count, such as `nvidia.com/gpu: 8`."""
    huge_pages_mib: int = 0
    """MiB in huge pages of 2 MiB each, for one node."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the main container. One that the pod sets otherwise is a defect."""
    mounts: tuple[Mount, ...] = ()
    """File systems of a job, by claims in the pod's namespace."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    """Labels that every node of the pool has, and no other node."""
    tolerations: tuple[Taint, ...] = ()
    """Taints of the pool's nodes, each tolerated exactly."""
    topology_keys: tuple[str, ...] = ()
    """Node labels from the widest domain to the narrowest, for a scheduler that packs a gang. Not of the pod itself."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of the pod, such as `k8s.v1.cni.cncf.io/networks`, by which it gets its fabric interfaces."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the pod, such as one that an admission webhook looks for."""
    host_paths: tuple[HostPath, ...] = ()
    """Mounts from the node, such as the folder of its network library. No two at one path of the container."""
    sidecars: tuple[Sidecar, ...] = ()
    """One set for each pod."""
    resource_claims: tuple[ResourceClaim, ...] = ()
    """Claims of the pod, all for its main container."""
    capabilities: tuple[str, ...] = ()
    """Linux capabilities that the main container gets, without `CAP_`: `IPC_LOCK`, `NET_ADMIN`."""
    privileged: bool = False
    """Main container with all capabilities and all devices of the node."""
    host_network: bool = False
    """Pod in the node's network namespace: a port of it is free once per node."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of secrets in the pod's namespace with which its images are pulled."""
    service_account: str = ""
    """Name of a service account in the pod's namespace; empty: the namespace's default. Its token is not mounted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSlices:
    """Slices of a pool of TPUs: nodes whose chips are wired together, made, repaired and taken away as one."""

    nodes: int
    """Of one slice."""
    label: str = ""
    """Label whose value each slice has for itself; empty where a slice is a single node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningPlan:
    """Nodes that come for an admitted job all at once, when the cloud has them, and for nothing else."""

    class_name: str
    """Of the ProvisioningRequest by which Kueue asks for them (autoscaling.x-k8s.io)."""
    parameters: Mapping[str, str]
    """Of the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolPlan:
    """Machines of one type that are scheduled alike."""

    name: str
    machine: MachineType
    node_count: int
    min_count: int
    max_count: int
    fabric: Fabric
    collective: Collective
    binding: PodBinding
    notice_s: float | None = None
    """Seconds between the word that a machine is taken back and its end; None where none is taken back."""
    desired_now: int | None = None
    """Nodes at `up`, where that is not `node_count`: none for a reservation that has not begun."""
    fabric_waived: str = ""
    """Reason of the user for doing without the machines' fabric; empty where the pool has it, or they have none."""
    grown_by: str = ""
    """Software that gives it more nodes while pods wait, and takes idle ones, within `min_count` and `max_count`; empty
    for a pool that keeps its size."""
    slices: NodeSlices | None = None
    """None of what is no TPU."""
    provisioning: ProvisioningPlan | None = None
    """None where nodes are there, or come for any pod that waits."""
    repaired: bool = True
    """Somebody replaces a node that no longer answers, by which the pods on it are given up."""
    file_system_module: str = ""
    """Kernel module by which a node reaches its file system over the fabric, in use only where it does; empty where
    nodes reach it over TCP, or have none."""
    min_driver: str = ""
    """Least version of the accelerators' driver; empty where any of the cloud's will do."""
    own_image: str = ""
    """Penstock's own image for its nodes, in the stack's own registry; empty where there is none."""
    node_allocatable: Room | None = None
    """Allocatable of one node, as its cloud computes it or the node itself says; None where nobody does."""
    daemons: Room = CAUTIOUS_DAEMONS
    """Requests of the daemon sets of one node: counted where its cluster could be asked."""
    allocatable: Room = field(init=False)
    """Resources that one node says its pods can have, daemons among them."""
    room: Room = field(init=False)
    """Resources that workloads of one node can ask for together: `allocatable` without the daemons."""

    def __post_init__(self) -> None:
        offer = self.node_allocatable or cautious_allocatable(self.machine, self.binding.huge_pages_mib)
        object.__setattr__(self, "allocatable", offer)
        object.__setattr__(self, "room", without_daemons(offer, self.daemons))


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlan:
    """Place of runs, checkpoints and exports, as jobs see it."""

    path: str
    on_destroy: OnDestroy
    claim: str = ""
    """Name of the claim by which pods mount the file system at `mount_path`; empty where jobs are no pods."""
    mount_path: str = ""
    """Root of that file system; `path` is in it."""
    write_mbps: float = 0.0
    """MB/s (1e6 bytes) that all nodes together can write; 0 where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetPlan:
    """A range of addresses in one zone."""

    name: str
    zone: str
    cidr: str
    """Empty where only the place knows it: of a subnet that is there already."""
    public: bool
    usable: int | None
    """Addresses that nodes and pods can have: those of the range without what the cloud keeps; None where only the
    place knows."""
    needed: int
    """Addresses in use when every pool has grown to its largest."""
    id: str = ""
    """Id of one that is there already; empty for one that the stack makes."""

    @property
    def free(self) -> int | None:
        """Addresses that are left then; None where only the place knows."""
        return None if self.usable is None else self.usable - self.needed


CLUSTER = "penstock:components:AcceleratorCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlan:
    """The cluster that a provider builds. A provider's own plan adds what only that cloud has."""

    cloud: str
    node_pools: tuple[NodePoolPlan, ...]
    volume: VolumePlan
    scheduler: str
    """Empty where jobs cannot be handed in yet."""
    region: str = ""
    """Empty where the cloud has none."""
    expires_at: datetime | None = None
    budget_usd_per_hour: float | None = None
    subnets: tuple[SubnetPlan, ...] = ()
    kubernetes: KubernetesFacts | None = None
    """None where the cluster is no Kubernetes."""
    images: tuple[ImageUse, ...] = ()
    """Images of jobs that the cluster's own queue starts, where it is no Kubernetes."""
    fetched_registries: tuple[str, ...] = ()
    """Hosts of public registries whose images the stack's own registry fetches by itself when nodes ask for them."""
    resource_type: str = CLUSTER
    """The cluster's type in the engine; short where its table has to leave room for a run's progress."""
    parts: tuple[PartPlan, ...] = ()
    sized_by_gate: bool = False
    """A gate looks at the cluster and gives pools their size, so that a shortage of machines costs the pool alone: a
    cloud that would give up a group for it makes it without nodes."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(decision for part in self.parts for decision in part.decisions)

    @property
    def quotas(self) -> tuple[QuotaNeed, ...]:
        return tuple(need for part in self.parts for need in part.quotas)

    @property
    def bill(self) -> tuple[BillLine, ...]:
        return tuple(line for part in self.parts for line in part.bill)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for part in self.parts for warning in part.warnings)


class RefusedClusterError(SpecError):
    """Problems of a cluster whose pools and stores are decided all the same, by which what runs there is judged too."""

    def __init__(self, problems: Iterable[Problem], cluster: ClusterPlan) -> None:
        super().__init__(problems)
        self.cluster = cluster
