"""Rights of Karpenter's controller: what changes something is bound to the cluster, the rest only looks."""

import pytest

from providers.aws.control_plane.eks.karpenter_rights import Statement, statements

CLUSTER, REGION = "mine", "us-east-2"
ARNS = {
    "cluster_arn": "arn:aws:eks:us-east-2:123456789012:cluster/mine",
    "queue_arn": "arn:aws:sqs:us-east-2:123456789012:karpenter",
    "role_arn": "arn:aws:iam::123456789012:role/nodes",
}


def rights() -> list[Statement]:
    return statements(cluster=CLUSTER, region=REGION, **ARNS)


def of(action: str) -> list[Statement]:
    return [one for one in rights() if action in one["Action"]]


@pytest.mark.parametrize("action", ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"])
def test_it_ends_only_machines_with_the_clusters_tag(action: str) -> None:
    (one,) = of(action)
    assert one["Condition"]["StringEquals"] == {"aws:ResourceTag/kubernetes.io/cluster/mine": "owned"}


def test_it_gives_the_role_of_nodes_to_machines_alone() -> None:
    (one,) = of("iam:PassRole")
    assert one["Resource"] == [ARNS["role_arn"]]
    assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_what_it_makes_carries_the_clusters_tag() -> None:
    made = [one for one in of("ec2:CreateFleet") if any(":instance/" in arn for arn in one["Resource"])]
    assert all(one["Condition"]["StringEquals"]["aws:RequestTag/eks:eks-cluster-name"] == CLUSTER for one in made)
    assert made


def test_on_everything_it_may_only_look() -> None:
    wide = {action for one in rights() if one["Resource"] == ["*"] for action in one["Action"]}
    assert {action.partition(":")[2][:3] for action in wide} <= {"Des", "Get", "Lis"}
    assert not any(
        "instance-profile" in str(one["Resource"]) for one in rights() if "iam:GetInstanceProfile" not in one["Action"]
    )
