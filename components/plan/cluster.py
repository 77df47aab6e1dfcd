"""A cluster that will exist, decided: plain values without an open question left in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from components.catalog import MachineType
from components.fabric import Collective, Fabric
from components.plan.kubernetes import KubernetesFacts
from components.plan.part import BillLine, Decision, QuotaNeed
from components.spec.cluster import TaintEffect
from components.spec.storage import OnDestroy


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
    kubernetes: KubernetesFacts | None = None
    """None where the cluster is no Kubernetes."""
