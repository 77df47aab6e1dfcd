"""Rows of AWS for changes: what each field does that moves, and what changes by itself."""

from rehearsal.field.facts import ChangeRow, Effect, VolatileRow
from rehearsal.providers.aws.group_facts import GROUP_CHANGES
from rehearsal.providers.aws.resource_types import BATCH, CLUSTER, LUSTRE, NODE_GROUP, TEMPLATE

UPDATES = "EKS User Guide, Update a managed node group"
EKS_API = "EKS API Reference, UpdateNodegroupConfig, UpdateNodegroupVersion and CreateNodegroup"
LUSTRE_API = "FSx API Reference, UpdateFileSystem"
FOLLOWERS = (
    (NODE_GROUP, "launchTemplate.id"), (BATCH, "computeResources.launchTemplate.launchTemplateId"),
    ("aws:cloudcontrol/resource:Resource", "desiredState.CustomLaunchTemplate.TemplateId"),
)  # fmt: skip

# 33 % of a group at a time goes when its template, version or release moves; labels, taints and sizes are set on what
# is there; all else is another group. A template by itself moves nothing: its group follows a version of it.
CHANGES = (
    *(
        ChangeRow(resource=NODE_GROUP, path=path, effect=Effect.ROLLS, source=UPDATES)
        for path in ("launchTemplate.version", "version", "releaseVersion", "forceUpdateVersion")
    ),
    *(
        ChangeRow(resource=NODE_GROUP, path=path, effect=Effect.NOTHING, source=EKS_API)
        for path in ("scalingConfig", "labels", "taints", "tags", "updateConfig", "nodeRepairConfig")
    ),
    *(
        ChangeRow(resource=NODE_GROUP, path=path, effect=Effect.REPLACES, source=EKS_API)
        for path in (
            "amiType", "capacityType", "clusterName", "diskSize", "instanceTypes", "nodeGroupName", "nodeRoleArn",
            "remoteAccess", "subnetIds", "launchTemplate.id", "launchTemplate",
        )
    ),
    *(
        ChangeRow(resource=CLUSTER, path=path, effect=Effect.NOTHING, source="EKS API Reference, UpdateClusterConfig")
        for path in (
            "version", "tags", "vpcConfig.endpoint*", "vpcConfig.publicAccessCidrs", "vpcConfig.subnetIds",
            "vpcConfig.securityGroupIds", "enabledClusterLogTypes", "upgradePolicy", "accessConfig.authenticationMode",
            "controlPlaneScalingConfig", "deletionProtection", "zonalShiftConfig", "encryptionConfig",
        )
    ),
    ChangeRow(resource=CLUSTER, path="*", effect=Effect.REPLACES, source="EKS API Reference, CreateCluster"),
    *(
        ChangeRow(resource=LUSTRE, path=path, effect=Effect.NOTHING, source=LUSTRE_API)
        for path in (
            "storageCapacity", "perUnitStorageThroughput", "dataCompressionType", "weeklyMaintenanceStartTime",
            "automaticBackupRetentionDays", "dailyAutomaticBackupStartTime", "copyTagsToBackups", "autoImportPolicy",
            "logConfiguration", "rootSquashConfiguration", "metadataConfiguration", "fileSystemTypeVersion", "tags",
            "skipFinalBackup", "finalBackupTags",
        )
    ),
    ChangeRow(resource=LUSTRE, path="*", effect=Effect.REPLACES, source=LUSTRE_API),
    *GROUP_CHANGES,
)  # fmt: skip

VOLATILE = (
    VolatileRow(
        resource=TEMPLATE, path="tagSpecifications.tags", key="expires|budget|updated|date|commit",
        followed_by=FOLLOWERS,
        source=f"{UPDATES}: a new version of the launch template replaces every node of the group",
    ),
)  # fmt: skip
