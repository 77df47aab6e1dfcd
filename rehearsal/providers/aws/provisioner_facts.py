"""Row of AWS on Karpenter: what it starts machines with, each part with its source."""

import math
from collections.abc import Mapping

from rehearsal.field.provisioner_facts import ProvisionerRow, QueueRow


def _expected_ki(nominal_gib: float, most_pods: int, architecture: str) -> int:
    """Nominal memory, 64 MiB less on Arm, less 7.5 %, the reserve of so many pods, and the eviction threshold."""
    mib = nominal_gib * 1024 - (64 if architecture == "arm64" else 0)
    return int(mib - math.ceil(mib * 0.075) - (11 * most_pods + 255) - 100) * 1024


def _tags_of_group(cluster: str) -> Mapping[str, str]:
    """EKS User Guide, View Amazon EKS security group requirements for clusters: default tags."""
    return {"aws:eks:cluster-name": cluster, f"kubernetes.io/cluster/{cluster}": "owned"}


KARPENTER = ProvisionerRow(
    chart="karpenter", pool="NodePool", machine_class="EC2NodeClass", class_name="spec.template.spec.nodeClassRef.name",
    labels="spec.template.metadata.labels", taints="spec.template.spec.taints",
    requirements="spec.template.spec.requirements", machine_type="node.kubernetes.io/instance-type",
    market="karpenter.sh/capacity-type", spare_market="spot", weight="spec.weight", most="spec.limits.nodes",
    most_pods="spec.kubelet.maxPods",
    expected_ki=_expected_ki,
    expected_source=(
        "aws/karpenter-provider-aws v1.14, pkg/providers/instancetype/types.go: memory, kubeReservedResources; chart's "
        "vmMemoryOverheadPercent"
    ),
    subnets="spec.subnetSelectorTerms", subnet="aws:ec2/subnet:Subnet", subnet_tags="tags",
    default_tags=("pulumi:providers:aws", "defaultTags.tags"), groups="spec.securityGroupSelectorTerms",
    group_tags=_tags_of_group, cluster=("aws:eks/cluster:Cluster", "name"), profile="spec.instanceProfile",
    profiles=("aws:iam/instanceProfile:InstanceProfile", "name", "role"),
    entry=("aws:eks/accessEntry:AccessEntry", "principalArn", "type", "EC2_LINUX"), role="aws:iam/role:Role",
    right="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    queue=QueueRow(
        value="settings.interruptionQueue", queue="aws:sqs/queue:Queue", name="name", arn="arn",
        rule="aws:cloudwatch/eventRule:EventRule", pattern="eventPattern.detail-type",
        events=(
            "AWS Health Event", "EC2 Spot Instance Interruption Warning", "EC2 Instance State-change Notification",
        ),
        target="aws:cloudwatch/eventTarget:EventTarget", target_rule="rule", target_arn="arn",
        policy="aws:sqs/queuePolicy:QueuePolicy", policy_queue="queueUrl", statements="policy.Statement",
        sender="events.amazonaws.com", encrypted=("sqsManagedSseEnabled", "kmsMasterKeyId"),
    ),
    keeps=(
        ("spec.disruption.consolidationPolicy", "WhenEmpty", "it moves pods to save nodes"),
        ("spec.template.spec.expireAfter", "Never", "it ends nodes of that age, whatever runs there"),
    ),
    drift=("spec.disruption.budgets", "Drifted"),
    source=(
        "Karpenter v1.14: Getting started (cloudformation.yaml), Concepts (NodePools, NodeClasses, Disruption); EKS "
        "User Guide, Create access entries"
    ),
)  # fmt: skip
