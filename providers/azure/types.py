"""Decided node pools, network, control plane and storage on Azure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from components.plan.cluster import Mount, NodePoolPlan, SubnetPlan, Taint, VolumePlan
from components.plan.part import Decision
from providers.azure.catalog import AzureMachine


class DriverSource(StrEnum):
    """Software that brings NVIDIA's driver to nodes: one for the whole cluster, as two break each other."""

    AKS = "aks"
    """The node image; the GPU operator brings device plugin and metrics alone."""
    OPERATOR = "operator"
    """The GPU operator, on nodes without a driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOnDemand:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSpot:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureReserved:
    """A capacity reservation group, whose machines are paid for whether used or not."""

    group: str
    """Its whole id."""


Capacity = AzureOnDemand | AzureSpot | AzureReserved


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureNodePoolPlan(NodePoolPlan):
    """Machines of one type that are scheduled alike: one scale set."""

    machine: AzureMachine
    zone: str
    """`1`; empty where the region decides."""
    capacity: Capacity
    driver: DriverSource | None
    """None without NVIDIA accelerators."""
    placement_group: str
    """Name of a proximity placement group of the pool's own, or the whole id of one that is there; empty without."""
    disk_gib: int
    ephemeral: bool
    """The root disk lies on the machine itself, and its content goes with it."""
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    max_pods: int
    surge: int
    """Nodes more than it has while it is upgraded; 0: one less instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenVnet:
    """A network that is there already, and of which nothing is the stack's."""

    id: str
    nodes: str
    """Name of a subnet, as are the following; empty where there is none."""
    api_server: str
    lustre: str
    netapp: str
    outbound: str
    """AKS's word of its way out: `userAssignedNATGateway` or `userDefinedRouting`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSubnet:
    """A subnet that the stack makes."""

    name: str
    cidr: str
    delegation: str = ""
    """Service that it is handed over to; empty for one of machines."""
    way_out: bool = False
    """It has the NAT gateway."""
    endpoints: tuple[str, ...] = ()
    """Services that it reaches on their own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureNetworkPlan:
    """The cluster's network."""

    name: str
    group: str
    """Resource group of its own."""
    region: str
    zones: tuple[str, ...]
    """The system pool's; none in a region without, or where nobody asks for one."""
    cidr: str
    """Empty for a network that is there already."""
    subnets: tuple[AzureSubnet, ...]
    """All that are made, in one request."""
    nodes: SubnetPlan
    pods_cidr: str
    services_cidr: str
    outbound: str
    keep: bool
    """`destroy` leaves the network itself, as a file system that it leaves stands in it."""
    existing: GivenVnet | None = None
    """None for a network that the stack makes."""


NODES, API_SERVER, LUSTRE, NETAPP = "nodes", "api-server", "lustre", "netapp"
"""Names of the subnets that the stack makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAksReach:
    """By a public address, which answers these ranges; nodes reach it inside the network."""

    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideAksReach:
    """By an address inside the network."""


ReachPlan = PublicAksReach | InsideAksReach
"""Way from where pulumi and kubectl run to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraAccess:
    """Microsoft Entra lets people in; the cluster has no certificate for anybody."""

    groups: tuple[str, ...]
    """Object ids of the groups that may do everything."""
    login: str
    """Way in which `kubelogin` gets a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAccess:
    """A certificate of the cluster's own, which is in the stack's state."""


Access = EntraAccess | CertificateAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeWindow:
    """Hours of a week in which node images may be renewed."""

    day: str
    start_hour: int
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AksPlan:
    """The control plane, and the pool for all that needs no accelerator."""

    name: str
    subscription: str
    tenant: str
    """Empty where the credentials say it."""
    region: str
    group: str
    """Resource group of cluster and identities."""
    nodes_group: str
    """Resource group that AKS makes for machines, and takes away with the cluster."""
    version: str
    tier: str
    reach: ReachPlan
    access: Access
    system_pool: AzureNodePoolPlan
    blob_driver: bool
    """AKS runs the driver of Blob Storage."""
    registry: str
    """Name of the stack's registry."""
    registry_group: str
    pulls: bool
    """Some image lies in it, so that nodes need a right to it."""
    window: UpgradeWindow | None
    """None: node images stay as they are."""
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmlfsPlan:
    """A file system of Azure Managed Lustre."""

    name: str
    sku: str
    zone: str
    """Empty where the region has no zones, or nobody asks for one."""
    capacity_tib: float
    mbps_per_tib: int
    mount_path: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NetAppPlan:
    """A volume of Azure NetApp Files."""

    account: str
    pool: str
    volume: str
    service_level: str
    capacity_gib: int
    mount_path: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobPlan:
    """A storage account with one container."""

    account: str
    container: str
    keep_versions_days: int
    expire_days: int | None
    keep: bool
    mount_path: str
    """Path at which pods see it; empty where it is mounted nowhere."""
    mount_options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureStoragePlan:
    """Places of data on Azure."""

    group: str
    """Resource group of all of them, which no cluster takes away."""
    file_system: AmlfsPlan | None
    shared_file_system: NetAppPlan | None
    object_store: BlobPlan | None
    mounts: tuple[Mount, ...]
    volume: VolumePlan
    """Volume of the runs; the path is empty where the stack has no file system."""
    decisions: tuple[Decision, ...]
