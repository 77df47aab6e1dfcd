"""Sizes that programs set through the API of the simulated AWS: the account follows, and a contradiction is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws.capacity import NODE_GROUP, SCALING_GROUP
from rehearsal.providers.aws.endpoint import api_endpoint
from rehearsal.providers.aws.kinds.eks_nodes import refuse_release, refuse_sizes
from rehearsal.providers.aws.rules import RULES
from tests.unit.rehearsal.aws.test_nodes import put

REGION = "us-east-2"
ROLE = "arn:aws:iam::123456789012:role/nodes"
SIZES = {"minSize": 1, "maxSize": 6, "desiredSize": 2}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCloud]:
    made = SimulatedCloud(RULES)
    with api_endpoint(tmp_path, cloud=made) as environment:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        yield made
    made.close()


def client(service: str) -> Any:
    return boto3.Session(region_name=REGION).client(service)  # type: ignore[call-overload]


def test_a_node_group_changes_in_the_account_and_in_moto(cloud: SimulatedCloud) -> None:
    eks = client("eks")
    eks.create_cluster(name="west", roleArn=ROLE, resourcesVpcConfig={"subnetIds": []})
    eks.create_nodegroup(clusterName="west", nodegroupName="train", subnets=[], nodeRole=ROLE, scalingConfig=SIZES)
    thing = put(cloud.account, NODE_GROUP, "west:train", {"scalingConfig": SIZES, "subnetIds": []})
    told: list[str] = []
    cloud.changed = lambda one: told.append(one.id)
    eks.update_nodegroup_config(clusterName="west", nodegroupName="train", scalingConfig={"desiredSize": 5})
    assert (thing.inputs["scalingConfig"], told) == (SIZES | {"desiredSize": 5}, ["west:train"])
    found = eks.describe_nodegroup(clusterName="west", nodegroupName="train")["nodegroup"]["scalingConfig"]
    assert found == SIZES | {"desiredSize": 5}
    cloud.change_from_outside(thing, {"scalingConfig": SIZES | {"desiredSize": 6}})
    assert eks.describe_nodegroup(clusterName="west", nodegroupName="train")["nodegroup"]["scalingConfig"] == (
        SIZES | {"desiredSize": 6}
    ), "a size that an autoscaler has set is told"
    with pytest.raises(ClientError, match=r"InvalidParameterException.*Desired capacity 7 can't be greater than max"):
        eks.update_nodegroup_config(clusterName="west", nodegroupName="train", scalingConfig={"desiredSize": 7})
    assert thing.inputs["scalingConfig"]["desiredSize"] == 6
    eks.delete_nodegroup(clusterName="west", nodegroupName="train")
    eks.delete_cluster(name="west")


def test_an_auto_scaling_group_changes_in_the_account(cloud: SimulatedCloud) -> None:
    thing = put(cloud.account, SCALING_GROUP, "own", {"minSize": 0, "maxSize": 6, "desiredCapacity": 6})
    client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="own", MinSize=2, DesiredCapacity=3)
    assert thing.inputs == {"minSize": 2, "maxSize": 6, "desiredCapacity": 3}
    found = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["own"])["AutoScalingGroups"]
    assert [(one["AutoScalingGroupName"], one["MinSize"], one["DesiredCapacity"]) for one in found] == [("own", 2, 3)]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"minSize": 8, "maxSize": 16, "desiredSize": 4}, "Minimum capacity 8 can't be greater than desired size 4"),
        ({"minSize": 0, "maxSize": 3, "desiredSize": 4}, "Desired capacity 4 can't be greater than max size 3"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(sizes: dict[str, int], words: str) -> None:
    with pytest.raises(CloudApiError, match=words):
        refuse_sizes(sizes)
    refuse_sizes(SIZES)


def test_a_release_of_another_version_is_refused() -> None:
    refuse_release({"version": "1.35"})
    refuse_release({"version": "1.35", "releaseVersion": "1.35.3-20260512"})
    with pytest.raises(CloudApiError, match=r"1\.34\.6-20260512 is not valid for kubernetes version 1\.35"):
        refuse_release({"version": "1.35", "releaseVersion": "1.34.6-20260512"})


def test_two_groups_have_a_scheduled_action_of_the_same_name() -> None:
    """Names of scheduled actions are unique within a group (EC2 Auto Scaling API, PutScheduledUpdateGroupAction)."""
    cloud = SimulatedCloud(RULES)
    for group in ("train", "next"):
        inputs = {"scheduledActionName": "drain", "autoscalingGroupName": group, "desiredCapacity": 0}
        cloud.create("aws:autoscaling/schedule:Schedule", f"{group}-drain", inputs, region="us-east-2")
    assert len({thing.id for thing in cloud.account.objects()}) == 2
