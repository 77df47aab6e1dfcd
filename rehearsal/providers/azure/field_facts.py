"""Rows of Azure for the field rules: which field of which resource type means what, each with its source."""

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
)
from rehearsal.field.service_facts import PatienceRow, ReservedRow
from rehearsal.providers.azure.field_rules import RULES
from rehearsal.providers.azure.lasting import FIXED, FIXED_NETWORK, SPREAD_MIN, UNCHANGING
from rehearsal.providers.azure.machines import GPU, accelerators, size_of
from rehearsal.providers.azure.names import (
    ACCOUNT,
    ACR_PULL,
    ACR_READER,
    CLUSTER,
    LUSTRE,
    NAT,
    NETAPP_POOL,
    NETAPP_VOLUME,
    NETWORK,
    POOL,
    REGISTRY,
    ROLE,
    VAULT,
)
from rehearsal.providers.azure.node_marks import all_marks, system_marks

ROTATION = "hashicorp/terraform-provider-azurerm v6.39 (2026-07-14), what rotates a node pool"
PROVIDER = "pulumi/pulumi-azure-native 4756, 4771 (2026-07-16)"
UPGRADES = "AKS, Upgrade options for clusters; Upgrade node pools (2026-08)"
LUSTRE_SOURCE = "Azure Managed Lustre, Create a file system: size, tier, zone and subnet are for life"
PULLS = "AKS, Authenticate with Azure Container Registry (2026-08)"

CHANGES = (
    *(
        ChangeRow(resource=POOL, path=path, effect=effect, source=source)
        for effect, source, paths in (
            (Effect.ROLLS, UPGRADES, ("orchestratorVersion",)),
            (
                Effect.NOTHING, UPGRADES,
                ("count", "minCount", "maxCount", "enableAutoScaling", "nodeLabels", "nodeTaints", "tags", "mode",
                 "upgradeSettings", "scaleDownMode", "powerState"),
            ),
            (Effect.REPLACES, PROVIDER, tuple(sorted(FIXED))),
            (Effect.REPLACES, ROTATION, (*UNCHANGING, "*")),
        )
        for path in paths
    ),
    *(
        ChangeRow(resource=CLUSTER, path=f"networkProfile.{name}", effect=Effect.REPLACES, source=PROVIDER)
        for name in FIXED_NETWORK
    ),
    *(
        ChangeRow(resource=CLUSTER, path=path, effect=Effect.NOTHING, source=UPGRADES)
        for path in (
            "kubernetesVersion", "tags", "sku", "supportPlan", "autoUpgradeProfile", "autoScalerProfile",
            "apiServerAccessProfile", "networkProfile", "storageProfile", "oidcIssuerProfile", "securityProfile",
            "azureMonitorProfile", "addonProfiles", "aadProfile", "disableLocalAccounts", "nodeProvisioningProfile",
            "agentPoolProfiles", "workloadAutoScalerProfile",
        )
    ),
    ChangeRow(resource=CLUSTER, path="*", effect=Effect.REPLACES, source=PROVIDER),
    *(
        ChangeRow(resource=LUSTRE, path=path, effect=Effect.NOTHING, source=LUSTRE_SOURCE)
        for path in ("tags", "maintenanceWindow", "rootSquashSettings")
    ),
    ChangeRow(resource=LUSTRE, path="*", effect=Effect.REPLACES, source=LUSTRE_SOURCE),
)  # fmt: skip

FACTS = FieldFacts(
    nodes="azure",
    sizes_of=size_of,
    machines=tuple(
        MachineRow(pattern=name, device=GPU, count=one.chips, architecture=one.arch)
        for name, one in accelerators().items()
    ),
    node_labels=(
        NodeLabelRow(
            pattern="*", keys=("topology.kubernetes.io/region", "topology.kubernetes.io/zone"),
            source="AKS, Use labels in a cluster: of the network between machines no label tells",
        ),
    ),
    endpoints=(
        # Its ranges are not judged: the stacks' own files have those of documentation in the place of a user's.
        EndpointRow(
            resource=CLUSTER, cluster="resourceName", public="apiServerAccessProfile.enablePrivateCluster",
            public_when=False, public_unless_said=True, open_to="",
            open_unless_said=("0.0.0.0/0",), network=NETWORK,
            source="AKS, API server authorized IP ranges; API Server VNet Integration (2026-08)",
        ),
    ),
    pools=(
        PoolRow(
            resource=POOL, name="agentPoolName", machine_type=("vmSize",), labels="nodeLabels", taints="-",
            marked=all_marks, minimum="minCount|count", desired="count|minCount", maximum="maxCount|count",
            autoscaled="enableAutoScaling", market="scaleSetPriority", spare_market="Spot",
        ),
        PoolRow(
            resource=CLUSTER, name="agentPoolProfiles.name", machine_type=("agentPoolProfiles.vmSize",),
            labels="agentPoolProfiles.nodeLabels", taints="-", marked=system_marks,
            minimum="agentPoolProfiles.minCount|agentPoolProfiles.count", desired="agentPoolProfiles.count",
            maximum="agentPoolProfiles.maxCount|agentPoolProfiles.count",
            autoscaled="agentPoolProfiles.enableAutoScaling",
        ),
    ),
    registries=(
        RegistryRow(
            host=r"[a-z0-9]+\.azurecr\.io", repositories=(), places=((REGISTRY, "loginServer", ""),),
            pull_rights=((ROLE, "roleDefinitionId", rf"({ACR_PULL}|{ACR_READER})$"),), source=PULLS,
        ),
    ),
    pushers=("docker-build:", "docker:index/image"),
    ways_out=(NAT,),
    changes=CHANGES,
    versions=(
        VersionRow(
            resource=CLUSTER, path="kubernetesVersion", source=f"{UPGRADES}: one minor at a time, never down",
            followers=((POOL, "orchestratorVersion"),),
        ),
    ),
    sizes=(
        SizeRow(resource=LUSTRE, path="storageCapacityTiB", source=LUSTRE_SOURCE),
        SizeRow(
            resource=NETAPP_POOL, path="size",
            source="Azure NetApp Files, Resize a capacity pool: never below its volumes"
        ),
    ),
    names=(
        NameRow(
            resource=VAULT, path="vaultName", held_h=90 * 24,
            source="Key Vault, soft-delete overview: a deleted vault keeps its name for up to 90 days",
        ),
        NameRow(
            resource=ACCOUNT, path="accountName", held_h=1,
            source="Storage account overview: a deleted name may take a while until it can be used again",
        ),
    ),
    settling=(
        SettlingRow(
            made=ROLE, user=CLUSTER, user_path="identity.userAssignedIdentities", minutes=SPREAD_MIN,
            waits_on="penstock:azure:Apis",
            source="AKS, Use a managed identity: a role takes minutes, up to an hour, until it counts",
        ),
    ),
    patience=(
        PatienceRow(
            resource=CLUSTER, operation="create", takes_min=20, given_min=120,
            source="users of AKS: 10 to 20 minutes; pulumi 8500: azure-native gives up after two hours",
        ),
        PatienceRow(
            resource=POOL, operation="create", takes_min=30, given_min=120,
            source="users of ND sizes: 15 to 30 minutes; pulumi 8500",
        ),
        PatienceRow(
            resource=LUSTRE, operation="create", takes_min=25, given_min=120,
            source="kubernetes-sigs/azurelustre-csi-driver 236: more than 15 minutes; pulumi 8500",
        ),
        PatienceRow(
            resource=NETAPP_VOLUME, operation="create", takes_min=10, given_min=120,
            source="Azure NetApp Files, Create an NFS volume",
        ),
    ),
    reserved=(
        ReservedRow(
            resource=POOL, target="capacityReservationGroupID", alike=("vmSize",),
            source="AKS, Use capacity reservation groups: a size and a zone as reserved",
        ),
    ),
    rules=RULES,
)  # fmt: skip
