"""Decided node pools, network, control plane and storage on GCP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from components.plan.cluster import Mount, NodePoolPlan, SubnetPlan, Taint, VolumePlan
from components.plan.part import Decision
from providers.gcp.catalog import GcpMachine
from providers.gcp.tpu import TpuSlice

Driver = Literal["", "DEFAULT", "LATEST"]
"""NVIDIA driver that GKE installs; empty without NVIDIA accelerators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpOnDemand:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpSpot:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpReserved:
    """A reservation, and nothing but it."""

    path: str
    """`projects/P/reservations/R[/reservationBlocks/B[/reservationSubBlocks/S]]`: in short it is not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpCalendar:
    """A reservation bought by the calendar: no nodes before `starts_at`, none from `ends_at` on."""

    path: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpFlex:
    """Machines of the Dynamic Workload Scheduler."""

    max_run_s: int
    queued: bool = False
    """By ProvisioningRequests, of which each is for one job."""


Capacity = GcpOnDemand | GcpSpot | GcpReserved | GcpCalendar | GcpFlex


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
    policy: str
    """Name of a resource policy that is there already, by which its machines are placed; empty without."""
    networks: tuple[str, ...]
    """Names of the subnets of its further interfaces, in their order."""
    dranet: bool
    driver: Driver
    maintenance: str
    """Interval of host maintenance in GKE's words; empty for Google's own."""
    boot_disk: str
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
class GivenVpc:
    """A network that is there already, and of which nothing is the stack's."""

    project: str
    """The project that it lies in: the stack's own, or the host of a shared VPC."""
    is_shared: bool
    network: str
    subnet: str
    pods_range: str
    services_range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpNetworkPlan:
    """The cluster's network, and those of its fabrics."""

    name: str
    region: str
    zones: tuple[str, ...]
    """The system pool's first."""
    mtu: int
    nodes: SubnetPlan
    pods_cidr: str
    """Empty where only the place knows it, of a network that is there already; and without pods."""
    pod_addresses: int
    """Addresses of that range that the nodes take at most."""
    services_cidr: str
    services_peering_cidr: str
    """Range of Private Service Access, for Managed Lustre; empty without."""
    nat: bool
    nat_ports: int
    """Least ports of a machine."""
    fabrics: tuple[FabricVpc, ...]
    flow_logs: bool
    keep: bool
    """`destroy` leaves the network itself, as a file system that it leaves stands in it."""
    existing: GivenVpc | None = None
    """None for a network that the stack makes."""
    slurm: bool = False
    """For Cluster Director: without ranges of pods, with rules by which its machines reach each other and a proxy
    reaches their ssh."""


PODS_RANGE, SERVICES_RANGE = "pods", "services"
"""Names of the secondary ranges of a subnet that the stack makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsGkeReach:
    """By the API server's DNS name, from anywhere, for whom IAM lets in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicGkeReach:
    """By a public address, which answers these ranges."""

    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideGkeReach:
    """By an address inside the network."""


ReachPlan = DnsGkeReach | PublicGkeReach | InsideGkeReach
"""Way from where pulumi and kubectl run to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GkePlan:
    """The control plane, and the pool for all that needs no accelerator."""

    name: str
    project: str
    region: str
    version: str
    """Minor, such as `1.35`, or a full version that the machines need: a floor, as the channel moves on."""
    channel: str
    reach: ReachPlan
    system_pool: GcpNodePoolPlan
    multi_networking: bool
    private_ipv6_off: bool
    add_ons: tuple[str, ...]
    """Storage drivers of GKE's own: `lustre`, `filestore`, `gcsfuse`."""
    components: tuple[str, ...]
    """Of GKE's monitoring."""
    node_account: str
    """Id of the service account of all nodes."""
    impersonate: str
    """Service account as which the API server is entered; empty for the identity of whoever enters."""
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedLustrePlan:
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

    instance: str
    tier: str
    capacity_gib: int
    zone: str
    connect_mode: str
    """`DIRECT_PEERING`; `PRIVATE_SERVICE_ACCESS` in a shared VPC, where a service project makes no other."""
    mount_path: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsPlan:
    """A bucket of Cloud Storage."""

    name: str | None
    """None: made from the resource's name."""
    location: str
    keep_versions_days: int
    expire_days: int | None
    keep: bool
    mount_path: str
    """Path at which pods see it; empty where it is mounted nowhere."""
    mount_options: tuple[str, ...]
    """Of Cloud Storage FUSE; none where it is mounted nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GardenEndpointPlan:
    """An endpoint of Vertex AI with a model of Model Garden."""

    key: str
    """Name in the stack file."""
    display_name: str
    publisher: str
    """Model Garden's name of the model; empty for one of Hugging Face."""
    hugging_face: str
    machine_type: str
    accelerator: str
    """As Vertex AI calls it."""
    accelerators: int
    """Of one replica."""
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpStoragePlan:
    """Places of data on GCP."""

    file_system: ManagedLustrePlan | None
    shared_file_system: FilestorePlan | None
    object_store: GcsPlan | None
    mounts: tuple[Mount, ...]
    volume: VolumePlan
    """Volume of the runs; the path is empty where the stack has no file system."""
    decisions: tuple[Decision, ...]
