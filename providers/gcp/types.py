"""Decided node pools, network, control plane and storage on GCP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from components.plan.cluster import NodePoolPlan, SubnetPlan, Taint
from components.plan.part import Decision
from providers.gcp.catalog import GcpMachine
from providers.gcp.tpu import TpuSlice

DiskType = Literal["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemandCapacity:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCapacity:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedCapacity:
    """A reservation, and nothing but it."""

    path: str
    """`projects/P/reservations/R[/reservationBlocks/B[/reservationSubBlocks/S]]`: in short it is not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCapacity:
    """A reservation bought by the calendar: no nodes before `starts_at`, none from `ends_at` on."""

    path: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexCapacity:
    """Machines of the Dynamic Workload Scheduler."""

    max_run_s: int
    queued: bool


Capacity = OnDemandCapacity | SpotCapacity | ReservedCapacity | CalendarCapacity | FlexCapacity


@dataclass(frozen=True, slots=True, kw_only=True)
class GkeGroup:
    """One node pool of GKE: a pool of the stack file is one, or one for each slice or NVLink domain."""

    name: str
    nodes: int
    """At `up`."""
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpNodePoolPlan(NodePoolPlan):
    """Machines of one type that are scheduled alike."""

    machine: GcpMachine
    zone: str
    capacity: Capacity
    groups: tuple[GkeGroup, ...]
    slice: TpuSlice | None
    """None of what is no TPU."""
    workload_policy: str
    """Topology of a resource policy for throughput (`1x72`, or a TPU slice's); empty without."""
    compact: bool
    """A placement policy of the pool's own."""
    networks: tuple[str, ...]
    """Names of the subnets of its further interfaces, in their order."""
    dranet: bool
    driver: Literal["", "DEFAULT", "LATEST", "INSTALLATION_DISABLED"]
    boot_disk: DiskType
    boot_disk_gib: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    max_pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricSubnet:
    """A subnet of a fabric network, with GKE's name of it for pods."""

    name: str
    cidr: str
    """Empty where GCP makes it by itself."""
    alias: str
    """`gvnic-1`, `rdma-0`: name of the Network object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricVpc:
    """A network beside the cluster's own."""

    name: str
    profile: str
    """`ZONE-vpc-roce`; empty for one of ordinary interfaces."""
    mtu: int
    subnets: tuple[FabricSubnet, ...]

    @property
    def device_mode(self) -> str:
        return "RDMA" if self.profile else "NetDevice"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpNetworkPlan:
    """The cluster's network, and those of its fabrics."""

    region: str
    zones: tuple[str, ...]
    mtu: int
    nodes: SubnetPlan
    pods_cidr: str
    services_cidr: str
    services_peering_cidr: str
    """Range of Private Service Access, for Lustre and Filestore; empty without."""
    nat: bool
    nat_ports: int
    """Least ports of a machine."""
    fabrics: tuple[FabricVpc, ...]
    flow_logs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GkePlan:
    """The control plane, and the pool for all that needs no accelerator."""

    name: str
    version: str
    """Minor, such as `1.35`: a floor, as the channel moves on."""
    min_version: str
    """Least full version of the machines; empty: any."""
    channel: str
    dns_endpoint: bool
    public_cidrs: tuple[str, ...]
    system_pool: GcpNodePoolPlan
    multi_networking: bool
    private_ipv6_off: bool
    add_ons: tuple[str, ...]
    """GKE's own, by the SDK's names."""
    components: tuple[str, ...]
    """Of GKE's monitoring."""
    deletion_protection: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LustrePlan:
    """A Managed Lustre instance."""

    instance: str
    file_system: str
    """Eight letters and digits at most, and no other of a node's."""
    zone: str
    capacity_gib: int
    mbps_per_tib: int
    mount_path: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilestorePlan:
    """A Filestore instance."""

    tier: str
    capacity_gib: int
    zone: str
    mount_path: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlan:
    name: str | None
    """None: made from the resource's name."""
    keep_versions_days: int
    expire_days: int | None
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlan:
    repositories: tuple[str, ...]
    remotes: Mapping[str, str]
    """Repository -> public registry that it fetches from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpStoragePlan:
    file_system: LustrePlan | None
    shared_file_system: FilestorePlan | None
    object_store: BucketPlan | None
    registry: RegistryPlan | None
    decisions: tuple[Decision, ...]
