"""Rows of AWS for regions and time: what a region lacks, its partition, and what takes longer than a provider waits."""

from rehearsal.field.service_facts import PartitionRow, PatienceRow, PlaceRow
from rehearsal.providers.aws.resource_types import CLUSTER, LUSTRE, NODE_GROUP

LUSTRE_PLACES = "FSx for Lustre User Guide, Deployment type availability"
LUSTRE_SLOW = ("ap-east-2", "ap-southeast-[57]", "ca-west-1", "il-central-1", "mx-central-1")
ARNS = "IAM User Guide, Amazon Resource Names: partitions and their regions"

PATIENCE = (
    # Nobody publishes how long; these are hours where a provider waits for minutes.
    PatienceRow(
        resource=LUSTRE, operation="delete", takes_min=240, given_min=30, when=("skipFinalBackup", "False"),
        source="FSx for Lustre User Guide, Working with backups: the first one copies all that is stored",
    ),
    PatienceRow(
        resource=LUSTRE, operation="update", takes_min=240, given_min=30,
        when=("storageCapacity", "[1-9]????*"),
        source="FSx for Lustre User Guide, Managing storage capacity: minutes to hours, by what is stored",
    ),
    PatienceRow(
        resource=CLUSTER, operation="delete", takes_min=30, given_min=15,
        source="astronomer/astronomer-providers pull 1168: more than 25 min; eksctl-io/eksctl 1651: about 15",
    ),
    PatienceRow(
        resource=NODE_GROUP, operation="update", takes_min=120, given_min=60,
        when=("scalingConfig.maxSize", "[1-9][0-9]*"),
        source="EKS User Guide, Managed node update behaviour: a third at a time, each up to 15 min of draining",
    ),
    PatienceRow(
        resource="aws:autoscaling/group:Group", operation="delete", takes_min=30, given_min=10,
        source="EC2 Auto Scaling User Guide, Delete your group: it goes when its last machine has gone",
    ),
    PatienceRow(
        resource="aws:cloudcontrol/resource:Resource", operation="create", takes_min=240, given_min=120,
        when=("desiredState.InstanceGroups.OnStartDeepHealthChecks", "Instance*"),
        source="SageMaker Developer Guide, Deep health checks: about two hours, before the cluster is in service",
    ),
)  # fmt: skip

PLACES = (
    PlaceRow(
        resource=LUSTRE, path="deploymentType", value="PERSISTENT_2", source=LUSTRE_PLACES,
        regions=(
            "af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-[346]", "eu-central-2", "eu-south-*",
            "eu-west-3", "me-*", "sa-east-1", "us-gov-*", "cn-*",
        ),
    ),
    *(
        PlaceRow(resource=LUSTRE, path=path, value=value, source=LUSTRE_PLACES, regions=LUSTRE_SLOW)
        for path, value in (
            ("perUnitStorageThroughput", "500"), ("perUnitStorageThroughput", "1000"), ("efaEnabled", "True"),
            ("storageType", "INTELLIGENT_TIERING"),
        )
    ),
    PlaceRow(
        resource=LUSTRE, path="deploymentType", value="SCRATCH_2", source=LUSTRE_PLACES,
        regions=("ap-east-2", "ap-southeast-[57]", "ca-west-1", "mx-central-1"),
    ),
)  # fmt: skip

PARTITIONS = (
    PartitionRow(regions="cn-*", partition="aws-cn", source=ARNS),
    PartitionRow(regions="us-gov-*", partition="aws-us-gov", source=ARNS),
    PartitionRow(regions="us-isob-*", partition="aws-iso-b", source=ARNS),
    PartitionRow(regions="us-iso-*", partition="aws-iso", source=ARNS),
    PartitionRow(regions="eusc-*", partition="aws-eusc", source=ARNS),
    PartitionRow(regions="*", partition="aws", source=ARNS),
)  # fmt: skip
