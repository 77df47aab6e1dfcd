"""Names of azure-native's resource types and of Azure's built-in roles. Nothing here knows of a rehearsal."""

from typing import Any

_A = "azure-native"
GROUP, PROVIDER = f"{_A}:resources:ResourceGroup", f"{_A}:resources:Provider"
"""The second is no type of the SDK: a resource provider of the subscription, which stands there."""
FEATURE = f"{_A}:features:SubscriptionFeatureRegistration"
IDENTITY = f"{_A}:managedidentity:UserAssignedIdentity"
FEDERATED = f"{_A}:managedidentity:FederatedIdentityCredential"
ROLE = f"{_A}:authorization:RoleAssignment"
NETWORK, SUBNET = f"{_A}:network:VirtualNetwork", f"{_A}:network:Subnet"
SECURITY_GROUP, NAT = f"{_A}:network:NetworkSecurityGroup", f"{_A}:network:NatGateway"
ADDRESS = f"{_A}:network:PublicIPAddress"
ZONE, ZONE_LINK = f"{_A}:privatedns:PrivateZone", f"{_A}:privatedns:VirtualNetworkLink"
PRIVATE_ENDPOINT = f"{_A}:network:PrivateEndpoint"
CLUSTER, POOL = f"{_A}:containerservice:ManagedCluster", f"{_A}:containerservice:AgentPool"
MAINTENANCE = f"{_A}:containerservice:MaintenanceConfiguration"
REGISTRY = f"{_A}:containerregistry:Registry"
ACCOUNT, CONTAINER = f"{_A}:storage:StorageAccount", f"{_A}:storage:BlobContainer"
SERVICE, ENDS = f"{_A}:storage:BlobServiceProperties", f"{_A}:storage:ManagementPolicy"
LUSTRE = f"{_A}:storagecache:AmlFilesystem"
NETAPP_ACCOUNT, NETAPP_POOL = f"{_A}:netapp:Account", f"{_A}:netapp:CapacityPool"
NETAPP_VOLUME = f"{_A}:netapp:CapacityPoolVolume"
VAULT, LOGS = f"{_A}:keyvault:Vault", f"{_A}:operationalinsights:Workspace"
PLACEMENT = f"{_A}:compute:ProximityPlacementGroup"
RESERVATIONS, RESERVATION = f"{_A}:compute:CapacityReservationGroup", f"{_A}:compute:CapacityReservation"

# Built-in roles (Azure, "Azure built-in roles"; the ids are the same in every tenant).
OWNER, CONTRIBUTOR = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
ACR_PULL, ACR_READER = "7f951dda-4ed3-4680-a7ca-43fe172d538d", "b93aa761-3e63-49ed-ac28-beffa264f7ac"
ZONE_CONTRIBUTOR = "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
BLOB_CONTRIBUTOR, ACCOUNT_CONTRIBUTOR = (
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "17d1049b-9a84-46fb-8f53-869881c3d3ab",
)

INFINIBAND_FEATURE = "Microsoft.ContainerService/AKSInfinibandSupport"


def last(text: Any) -> str:
    """The last part of a resource's id."""
    return str(text).rpartition("/")[2]


def parent(text: Any) -> str:
    """The id without its last type and name."""
    return str(text).rpartition("/")[0].rpartition("/")[0]
