"""Rights on AWS of Karpenter's controller: its published policy, without what penstock makes in its place. Pure.

Source: aws/karpenter-provider-aws v1.14, getting-started-with-karpenter/cloudformation.yaml. Instance profiles are the
stack's, so that it makes none; nor has it a use for reservations, placement groups and zonal shifts.
"""

from typing import Any

Statement = dict[str, Any]

_LOOKS = (
    *("CapacityReservations", "Images", "Instances", "InstanceStatus", "InstanceTypeOfferings", "InstanceTypes"),
    *("LaunchTemplates", "PlacementGroups", "SecurityGroups", "SpotPriceHistory", "Subnets"),
)
_MADE = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_ITS_POOL = "karpenter.sh/nodepool"


def statements(*, cluster: str, region: str, cluster_arn: str, queue_arn: str, role_arn: str) -> list[Statement]:
    """Statements of the controller's policy: it makes and ends machines with the cluster's tag alone, of this role."""
    owned = f"kubernetes.io/cluster/{cluster}"
    asked = {f"aws:RequestTag/{owned}": "owned", "aws:RequestTag/eks:eks-cluster-name": cluster}
    of_pool = {
        "StringEquals": {f"aws:ResourceTag/{owned}": "owned"},
        "StringLike": {f"aws:ResourceTag/{_ITS_POOL}": "*"},
    }
    with_pool = {"StringLike": {f"aws:RequestTag/{_ITS_POOL}": "*"}}
    start = ("ec2:RunInstances", "ec2:CreateFleet")
    made = [f"arn:aws:ec2:{region}:*:{kind}/*" for kind in _MADE]
    instances, templates = f"arn:aws:ec2:{region}:*:instance/*", f"arn:aws:ec2:{region}:*:launch-template/*"
    published = [f"arn:aws:ec2:{region}::{kind}/*" for kind in ("image", "snapshot")]
    placed = [f"arn:aws:ec2:{region}:*:{kind}/*" for kind in ("security-group", "subnet")]
    created = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    renamed = {
        **of_pool,
        "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": cluster},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]},
    }
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    return [
        _allow(start, [*published, *placed]),
        _allow(start, [templates], of_pool),
        _allow((*start, "ec2:CreateLaunchTemplate"), made, {"StringEquals": asked, **with_pool}),
        _allow(("ec2:CreateTags",), made, {"StringEquals": {**asked, **created}, **with_pool}),
        _allow(("ec2:CreateTags",), [instances], renamed),
        _allow(("ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"), [instances, templates], of_pool),
        _allow(("iam:PassRole",), [role_arn], to_ec2),
        _allow(("eks:DescribeCluster",), [cluster_arn]),
        _allow(("sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"), [queue_arn]),
        _allow([f"ec2:Describe{what}" for what in _LOOKS], ["*"], {"StringEquals": {"aws:RequestedRegion": region}}),
        _allow(("ssm:GetParameter",), [f"arn:aws:ssm:{region}::parameter/aws/service/*"]),
        _allow(("pricing:GetProducts", "iam:ListInstanceProfiles"), ["*"]),
        _allow(("iam:GetInstanceProfile",), ["arn:aws:iam::*:instance-profile/*"]),
    ]


def _allow(actions: tuple[str, ...] | list[str], resources: list[str], when: Statement | None = None) -> Statement:
    return {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": resources,
        **({"Condition": when} if when else {}),
    }


def queue_statements(queue_arn: str, rule_arns: list[str]) -> list[Statement]:
    """Statements of the queue's own policy: these rules alone write to it, and nobody without TLS (EventBridge User
    Guide, "Amazon SQS permissions").
    """
    return [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arns}},
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
