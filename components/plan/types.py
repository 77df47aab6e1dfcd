"""What will exist, decided: plain values without an open question left in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from components.catalog import MachineType
from components.fabric import Collective, Fabric
from components.spec.cluster import TaintEffect
from components.spec.inference import AutoscalingSpec, CanarySpec, RouteSpec
from components.spec.scheduler import Priority, TopologyRequest
from components.spec.storage import OnDestroy

if TYPE_CHECKING:
    from components.plan.kubernetes import InsidePlan, KubernetesFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One thing the user left open, and what became of it."""

    path: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """What keeps pods off a node that do not tolerate it."""

    key: str
    value: str
    effect: TaintEffect


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file system as a job sees it."""

    volume: str
    """The name of the VolumePlan."""
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodBinding:
    """What a job must ask for to reach its pool's accelerators and fabric. A renderer adds it and never replaces it."""

    devices: Mapping[str, int] = field(default_factory=dict)
    """Device resources of one node, such as `nvidia.com/gpu: 8`."""
    huge_pages_mib: int = 0
    """Of 2 MiB each, for one node."""
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Taint, ...] = ()
    topology_keys: tuple[str, ...] = ()
    """Node labels from the widest domain to the narrowest, for a scheduler that packs a gang."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlan:
    """Where runs, checkpoints and exports lie, as jobs see it."""

    path: str
    on_destroy: OnDestroy
    claim: str = ""
    """Name of the claim by which pods mount the file system at `mount_path`; empty where jobs are no pods."""
    mount_path: str = ""
    """Where that file system begins; `path` is in it."""
    write_mbps: float = 0.0
    """MB/s (1e6 bytes) that all nodes together can write; 0 where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetPlan:
    """A range of addresses in one zone."""

    name: str
    zone: str
    cidr: str
    public: bool
    usable: int
    """Addresses that nodes and pods can have: those of the range without what the cloud keeps."""
    needed: int
    """Addresses in use when every pool has grown to its largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaNeed:
    """What an account must allow before the plan can come up."""

    service: str
    code: str
    name: str
    needed: float
    unit: str
    reason: str
    default: float | None = None
    """Value in an account that never asked for another; None where it is not published."""

    @property
    def to_ask_for(self) -> bool:
        """Whether an account with the default value would refuse the plan."""
        return self.default is None or self.needed > self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One thing that costs by the hour, from when to when."""

    what: str
    count: float
    unit_usd_per_hour: Decimal | None
    """None where no price is known: unknown, not nothing."""
    prepaid: bool = False
    """Paid before `up`, so that no hour adds anything; its price is None."""
    source: str
    """Whose price, for where, of which date."""
    since: datetime | None = None
    """None: from `up` on."""
    until: datetime | None = None
    """None: until `destroy`."""
    most: float | None = None
    """The count at the largest size of a pool that may grow; None: it stays as it is."""

    @property
    def usd_per_hour(self) -> Decimal | None:
        return None if self.unit_usd_per_hour is None else self.unit_usd_per_hour * Decimal(str(self.count))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlan:
    """The cluster that a provider builds. A provider's own plan adds what only that cloud has."""

    cloud: str
    node_pools: tuple[NodePoolPlan, ...]
    volume: VolumePlan
    scheduler: str
    """Empty where jobs cannot be handed in yet."""
    decisions: tuple[Decision, ...]
    region: str = ""
    """Empty where the cloud has none."""
    expires_at: datetime | None = None
    budget_usd_per_hour: float | None = None
    subnets: tuple[SubnetPlan, ...] = ()
    quotas: tuple[QuotaNeed, ...] = ()
    bill: tuple[BillLine, ...] = ()
    warnings: tuple[str, ...] = ()
    kubernetes: "KubernetesFacts | None" = None
    """None where the cluster is no Kubernetes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """A gang of processes that starts as a whole and ends by itself."""

    name: str
    pool: str
    nodes: int
    min_nodes: int
    ranks_per_node: int
    program: tuple[str, ...]
    """Arguments of the Python interpreter on each node, without the job's file, which the scheduler adds."""
    env: Mapping[str, str]
    config: Mapping[str, Any]
    """The job's file: plain JSON data."""
    run_folder: str
    """Where the run keeps its state: a folder of the volume that the identity names."""
    identity: str
    """Digest of all that cannot change in a run. Another identity is another run."""
    grace_s: float
    """Seconds from the request to stop to the last rank's exit: a step and a checkpoint, with a margin."""
    max_agent_restarts: int
    memory_gib: float
    """Estimate of what all ranks of one node hold together (components/estimate/memory.py says the convention)."""
    image: str = ""
    """Empty where jobs are no pods."""
    queue: str = ""
    """Empty: the scheduler's only one."""
    priority: Priority = Priority.NORMAL
    topology: TopologyRequest = TopologyRequest.NONE
    cpu: float = 0.0
    """Cores of one node that it asks for."""
    pod_memory_gib: float = 0.0
    """Of one node, asked for and not to be exceeded: ranks, loader, page cache of the data, /dev/shm."""
    shm_gib: float = 0.0
    claim: str = ""
    mount_path: str = ""
    """The volume's claim and where pods have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """Independent servers of one exported model."""

    name: str
    pool: str
    program: tuple[str, ...]
    env: Mapping[str, str]
    config: Mapping[str, Any]
    ports: tuple[int, ...]
    """One for each replica."""
    host: str
    state_folder: str
    model_folder: str
    follows_training: bool
    """It serves what this stack's run exports, and is renewed with it."""
    drain_s: float
    image: str = ""
    """Empty where services are no pods."""
    accelerators: int = 0
    """Of one replica's node."""
    cpu: float = 0.0
    memory_gib: float = 0.0
    claim: str = ""
    mount_path: str = ""
    nodes_per_replica: int = 1
    autoscaling: AutoscalingSpec | None = None
    canary: CanarySpec | None = None
    route: RouteSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """All that one stack file becomes."""

    stack: str
    cluster: ClusterPlan
    training: JobPlan | None
    inference: ServicePlan | None
    decisions: tuple[Decision, ...]
    """On the workloads; those on the cluster are its own."""
    warnings: tuple[str, ...]
    """Of every part, each once: network, nodes, control plane, storage, scheduler, platform, gate, job, service."""
    job: tuple[Mapping[str, Any], ...] = ()
    """The training run as its scheduler takes it."""
    service: tuple[Mapping[str, Any], ...] = ()
    inside: "InsidePlan | None" = None
    """What the stack puts on its Kubernetes; None where the cluster is none."""
