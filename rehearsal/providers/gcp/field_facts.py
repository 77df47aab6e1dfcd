"""Rows of Google Cloud for the field rules: which field of which resource type means what, each with its source."""

from rehearsal.field.facts import (
    ChangeRow,
    Effect,
    EndpointRow,
    FieldFacts,
    MachineRow,
    NameRow,
    NodeLabelRow,
    PoolRow,
    RegistryRow,
    SettlingRow,
    SizeRow,
    VersionRow,
    VolatileRow,
)
from rehearsal.field.service_facts import PatienceRow, ReservedRow
from rehearsal.providers.gcp.field_rules import RULES
from rehearsal.providers.gcp.front_rules import RULES as FRONTS
from rehearsal.providers.gcp.inside_rules import RULES as INSIDE
from rehearsal.providers.gcp.job_rules import RULES as JOBS
from rehearsal.providers.gcp.machines import accelerators, size_of
from rehearsal.providers.gcp.names import (
    ACCOUNT,
    BUCKET,
    CLUSTER,
    DIRECTOR,
    FILESTORE,
    FIXED_OF_NETWORK,
    FIXED_OF_NODES,
    LUSTRE,
    MEMBER,
    NETWORK,
    NODE_POOL,
    REPOSITORY,
    RING,
    ROLLING,
    ROUTER_NAT,
    SERVICE,
    SPREAD_MIN,
)
from rehearsal.providers.gcp.node_marks import EFFECTS, marks
from rehearsal.providers.gcp.pod_rules import RULES as PODS
from rehearsal.providers.gcp.slurm_rules import RULES as SLURM

PROVIDER = "GoogleCloudPlatform/magic-modules d577844 (2026-08-21): node_pool.go, node_config.go, cluster.go"
DNS = "GKE, About network isolation: the DNS-based endpoint answers whom IAM gives container.clusters.connect"
ADDRESS = "GKE, About network isolation: IP-based endpoints and authorized networks"
LUSTRE_API = "Managed Lustre API, projects.locations.instances.patch"
DIRECTED = "Cluster Director API v1: Immutable; magic-modules 053a8044, hypercomputecluster/Cluster.yaml"
PULLS = r"^roles/artifactregistry\.(reader|writer|repoAdmin|admin)$"
NODE_SA = "GKE, Use least privilege service accounts; Artifact Registry, Configure access control"

_NETWORK_CHANGES = tuple(f"networkConfig.{name}" for name in FIXED_OF_NETWORK)
_NODE_CHANGES = tuple(f"nodeConfig.{name}" for name in FIXED_OF_NODES)

CHANGES = (
    *(
        ChangeRow(resource=NODE_POOL, path=path, effect=effect, source=PROVIDER)
        for effect, paths in (
            (Effect.ROLLS, ("version", *(f"nodeConfig.{name}" for name in ROLLING))),
            (
                Effect.NOTHING,
                (
                    "nodeConfig.labels", "nodeConfig.taints", "nodeConfig.tags", "nodeConfig.resourceLabels",
                    "nodeCount", "autoscaling", "management", "upgradeSettings", "deletionPolicy",
                    "ignoreNodeCountChanges", "nodeLocations", "maintenancePolicies", "nodeDrainConfigs",
                    "nodeConfig.effectiveTaints",
                ),
            ),
            (Effect.REPLACES, (*_NODE_CHANGES, *_NETWORK_CHANGES, "*")),
        )
        for path in paths
    ),
    *(
        ChangeRow(resource=CLUSTER, path=path, effect=Effect.NOTHING, source=PROVIDER)
        for path in (
            "minMasterVersion", "resourceLabels", "deletionProtection", "deletionPolicy", "addonsConfig",
            "maintenancePolicy", "releaseChannel", "loggingConfig", "monitoringConfig", "gatewayApiConfig",
            "controlPlaneEndpointsConfig", "masterAuthorizedNetworksConfig", "costManagementConfig",
            "workloadIdentityConfig", "securityPostureConfig", "enableShieldedNodes", "nodeLocations",
            "verticalPodAutoscaling", "privateClusterConfig.enablePrivate*", "pulumiLabels", "effectiveLabels",
            "removeDefaultNodePool", "notificationConfig", "clusterAutoscaling",
        )
    ),
    ChangeRow(resource=CLUSTER, path="*", effect=Effect.REPLACES, source=PROVIDER),
    *(
        ChangeRow(resource=LUSTRE, path=path, effect=Effect.NOTHING, source=LUSTRE_API)
        for path in (
            "capacityGib", "description", "labels", "accessRulesOptions", "maintenancePolicy", "deletionPolicy",
            "pulumiLabels", "effectiveLabels",
        )
    ),
    *(
        ChangeRow(resource=DIRECTOR, path=path, effect=effect, source=DIRECTED)
        for effect, paths in (
            (
                Effect.REPLACES,
                ("clusterId", "location", "project", "networkResources", "computeResources",
                 "orchestrator.slurm.loginNodes.zone", "orchestrator.slurm.loginNodes.bootDisk"),
            ),
            (Effect.NOTHING, ("*",)),
        )
        for path in paths
    ),
    ChangeRow(resource=LUSTRE, path="*", effect=Effect.REPLACES, source="magic-modules, Instance of lustre: immutable"),
)  # fmt: skip

FACTS = FieldFacts(
    nodes="gcp",
    sizes_of=size_of,
    machines=tuple(
        MachineRow(pattern=name, device=one.device, count=one.chips, architecture=one.arch)
        for name, one in accelerators().items()
    ),
    # Layers of the network stand among the labels of the pool itself: they depend on how its machines are had.
    node_labels=(
        NodeLabelRow(
            pattern="*", keys=("topology.kubernetes.io/region", "topology.kubernetes.io/zone"),
            source="Google Cloud, Topology-aware scheduling: nodes of dense reservations and of flex start alone",
        ),
    ),
    endpoints=(
        EndpointRow(
            resource=CLUSTER, cluster="name",
            public="controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic",
            public_unless_said=False, open_to="", open_unless_said=("0.0.0.0/0",), source=DNS, network=NETWORK,
            within="network",
        ),
        EndpointRow(
            resource=CLUSTER, cluster="name", public="privateClusterConfig.enablePrivateEndpoint", public_when=False,
            public_unless_said=True, switch="controlPlaneEndpointsConfig.ipEndpointsConfig.enabled",
            open_to="masterAuthorizedNetworksConfig.cidrBlocks.cidrBlock", open_unless_said=("0.0.0.0/0",),
            source=ADDRESS, network=NETWORK, within="network",
        ),
    ),
    pools=(
        PoolRow(
            resource=NODE_POOL, name="name", machine_type=("nodeConfig.machineType",), labels="nodeConfig.labels",
            taints="nodeConfig.taints", effects=EFFECTS, zones="nodeLocations", marked=marks,
            minimum="autoscaling.minNodeCount|autoscaling.totalMinNodeCount|nodeCount|initialNodeCount",
            desired="nodeCount|initialNodeCount|autoscaling.minNodeCount",
            maximum="autoscaling.maxNodeCount|autoscaling.totalMaxNodeCount|nodeCount|initialNodeCount",
            autoscaled="autoscaling", market="nodeConfig.spot", spare_market=True,
        ),
    ),
    registries=(
        RegistryRow(
            host=r"[a-z0-9-]+-docker\.pkg\.dev", repositories=(),
            open=r"(gce-ai-infra|gke-release|google-samples|cloudrun|cloud-tpu-images)/",  # Google's own projects
            places=((REPOSITORY, "registryUri", "remoteRepositoryConfig"),), mirror_needs_way_out=False,
            pull_rights=(
                (MEMBER, "role", PULLS),
                ("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", "role", PULLS),
            ),
            source=NODE_SA,
        ),
    ),
    pushers=("docker-build:", "docker:index/image"),
    ways_out=(ROUTER_NAT,),
    changes=CHANGES,
    volatile=(
        VolatileRow(
            resource=NODE_POOL, path="nodeConfig.metadata", key="expires|budget|updated|date|commit",
            followed_by=((NODE_POOL, "id"),), source=f"{PROVIDER}: metadata is ForceNew",
        ),
    ),
    versions=(
        VersionRow(
            resource=CLUSTER, path="minMasterVersion",  # its channel moves the pools after it
            source="GKE, Standard cluster upgrades: one minor version at a time, never down",
        ),
    ),
    sizes=(
        SizeRow(resource=LUSTRE, path="capacityGib", source="Managed Lustre, Increase capacity: it cannot be lowered"),
        SizeRow(
            resource=FILESTORE, path="fileShares.capacityGb",
            source="Filestore, Scale capacity: basic tiers cannot be lowered",
        ),
    ),
    names=(
        NameRow(
            resource=BUCKET, path="name", held_h=1,
            source="Cloud Storage, Bucket naming: a deleted name may take time until it can be used again",
        ),
        NameRow(
            resource=RING, path="name", held_h=24 * 365 * 100,
            source="Cloud KMS, Delete and restore resources: a key ring cannot be deleted",
        ),
        NameRow(
            resource=ACCOUNT, path="accountId", held_h=0.2,
            source="IAM, Deleted service accounts: one of the same name is another identity, and has none of its roles",
        ),
    ),
    settling=(
        SettlingRow(
            made=SERVICE, made_where=("service", "compute.googleapis.com"), user=NETWORK, user_path="name",
            minutes=SPREAD_MIN, waits_on="penstock:gcp:Apis",
            source="magic-modules e48fb239dc (2026-01-09): its tests wait 60 to 120 s after an API is switched on",
        ),
    ),
    patience=(
        PatienceRow(
            resource=LUSTRE, operation="create", takes_min=20, given_min=120,
            source="Managed Lustre, Create an instance: 15 to 20 minutes and more",
        ),
    ),
    reserved=(
        ReservedRow(
            resource=NODE_POOL, target="nodeConfig.reservationAffinity.values", alike=("nodeConfig.machineType",),
            source="Compute Engine, Consume a reservation: machine type, zone and local SSD as reserved",
        ),
    ),
    rules=(*RULES, *INSIDE, *PODS, *JOBS, *FRONTS, *SLURM),
)  # fmt: skip
