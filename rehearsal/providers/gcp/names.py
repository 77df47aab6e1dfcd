"""Names of pulumi-gcp's resource types, and what a change of their fields does. Nothing here knows of a rehearsal."""

from typing import Any

NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
ROUTER, ADDRESS = "gcp:compute/router:Router", "gcp:compute/address:Address"
RANGE, POLICY = "gcp:compute/globalAddress:GlobalAddress", "gcp:compute/resourcePolicy:ResourcePolicy"
CLUSTER, NODE_POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
ACCOUNT, SERVICE = "gcp:serviceaccount/account:Account", "gcp:projects/service:Service"
BUCKET, REPOSITORY = "gcp:storage/bucket:Bucket", "gcp:artifactregistry/repository:Repository"
FILESTORE, LUSTRE = "gcp:filestore/instance:Instance", "gcp:lustre/instance:Instance"
FIREWALL, ROUTER_NAT = "gcp:compute/firewall:Firewall", "gcp:compute/routerNat:RouterNat"
MEMBER = "gcp:projects/iAMMember:IAMMember"
CONNECTION = "gcp:servicenetworking/connection:Connection"
GARDEN_ENDPOINT = "gcp:vertex/aiEndpointWithModelGardenDeployment:AiEndpointWithModelGardenDeployment"
DIRECTOR = "gcp:hypercomputecluster/cluster:Cluster"
RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
BACKEND_SERVICE, URL_MAP = "gcp:compute/backendService:BackendService", "gcp:compute/uRLMap:URLMap"
HTTPS_PROXY = "gcp:compute/targetHttpsProxy:TargetHttpsProxy"
FORWARDING_RULE = "gcp:compute/globalForwardingRule:GlobalForwardingRule"
ARMOR, HEALTH_CHECK = "gcp:compute/securityPolicy:SecurityPolicy", "gcp:compute/healthCheck:HealthCheck"
TLS_POLICY, DNS_PROOF = "gcp:compute/sSLPolicy:SSLPolicy", "gcp:certificatemanager/dnsAuthorization:DnsAuthorization"
CERTIFICATE = "gcp:certificatemanager/certificate:Certificate"
CERTIFICATE_MAP = "gcp:certificatemanager/certificateMap:CertificateMap"
MAP_ENTRY = "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry"
ENDPOINT_GROUP = "controller:compute/networkEndpointGroup:NetworkEndpointGroup"
"""Group of endpoints that GKE's controller makes of a Service; no program has the type."""

RESERVATION = "gcp:compute/reservation:Reservation"

SPREAD_MIN = 1.5
"""Minutes until an API that was switched on answers (GoogleCloudPlatform/magic-modules e48fb239dc, 2026-01-09: the
provider's own tests wait 60 to 120 s)."""
SPECIFIC = "SPECIFIC_RESERVATION"

# What a change does (GoogleCloudPlatform/magic-modules d577844, 2026-08-21: node_pool.go, node_config.go): ForceNew.
FIXED_OF_NODES = (
    "guestAccelerators", "ephemeralStorageConfig", "ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig",
    "localSsdCount", "secondaryBootDisks", "metadata", "minCpuPlatform", "oauthScopes", "serviceAccount", "spot",
    "preemptible", "reservationAffinity", "shieldedInstanceConfig", "advancedMachineFeatures",
    "hostMaintenancePolicy", "maxRunDuration", "flexStart", "bootDiskKmsKey", "confidentialNodes", "nodeGroup",
    "sandboxConfig", "soleTenantConfig", "localSsdEncryptionMode",
)  # fmt: skip
FIXED_OF_NETWORK = (
    "acceleratorNetworkProfile", "additionalNodeNetworkConfigs", "additionalPodNetworkConfigs", "podRange",
    "subnetwork", "createPodRange", "podIpv4CidrBlock",
)  # fmt: skip
ROLLING = (
    "machineType", "diskType", "diskSizeGb", "imageType", "kubeletConfig", "linuxNodeConfig", "gvnic", "gcfsConfig",
    "workloadMetadataConfig", "containerdConfig", "storagePools", "resourceManagerTags", "loggingVariant",
    "fastSocket",
)  # fmt: skip
"""Members of nodeConfig that are changed by making each node anew, one after the other."""


def last(text: Any) -> str:
    """The last part of a resource's name."""
    return str(text).rpartition("/")[2]
