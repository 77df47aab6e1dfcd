"""A pool that is not there in time goes back to no nodes: asked of the account's own API, which moto plays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.errors import PenstockError
from providers.aws.operations import limit, restore, scale_to_zero
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws.capacity import SCALING_GROUP
from rehearsal.providers.aws.endpoint import api_endpoint
from rehearsal.providers.aws.rules import RULES
from tests.unit.rehearsal.aws.test_nodes import put

REGION = "us-east-2"
ROLE = "arn:aws:iam::123456789012:role/nodes"
SCALER = {
    "cloud": "aws", "kind": "eks", "least": "2", "most": "8", "region": REGION, "cluster": "c", "group": "train",
}  # fmt: skip


@pytest.fixture
def eks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with api_endpoint(tmp_path) as environment:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        client: Any = boto3.Session(region_name=REGION).client("eks")
        client.create_cluster(name="c", roleArn=ROLE, resourcesVpcConfig={"subnetIds": []})
        yield client
        client.delete_cluster(name="c")


def test_a_managed_node_group_is_set_to_no_nodes_and_back(eks: Any) -> None:
    sizes = {"minSize": 4, "maxSize": 8, "desiredSize": 4}
    eks.create_nodegroup(clusterName="c", nodegroupName="train", subnets=[], nodeRole=ROLE, scalingConfig=sizes)
    scale_to_zero(SCALER)
    after = eks.describe_nodegroup(clusterName="c", nodegroupName="train")["nodegroup"]["scalingConfig"]
    assert (after["minSize"], after["desiredSize"], after["maxSize"]) == (0, 0, 8)
    assert restore(SCALER, 4) == 4
    again = eks.describe_nodegroup(clusterName="c", nodegroupName="train")["nodegroup"]["scalingConfig"]
    assert (again["minSize"], again["desiredSize"], again["maxSize"]) == (2, 4, 8)
    eks.delete_nodegroup(clusterName="c", nodegroupName="train")


@pytest.mark.parametrize(("there", "after"), [(1, 2), (5, 5), (9, 8)])
def test_limits_leave_a_size_alone_that_lies_within(eks: Any, there: int, after: int) -> None:
    sizes = {"minSize": 0, "maxSize": 9, "desiredSize": there}
    eks.create_nodegroup(clusterName="c", nodegroupName="train", subnets=[], nodeRole=ROLE, scalingConfig=sizes)
    limit(SCALER)
    found = eks.describe_nodegroup(clusterName="c", nodegroupName="train")["nodegroup"]["scalingConfig"]
    assert (found["minSize"], found["desiredSize"], found["maxSize"]) == (2, after, 8)
    eks.delete_nodegroup(clusterName="c", nodegroupName="train")


@pytest.mark.parametrize(
    ("least", "there", "asked", "after"),
    [("2", 6, 3, 6), ("2", 2, 3, 3), ("2", 9, 3, 8), ("8", 9, 8, 8)],
    ids=["grown", "smaller", "beyond its most", "of a fixed size"],
)
def test_a_pool_that_was_grown_is_never_made_smaller(eks: Any, least: str, there: int, asked: int, after: int) -> None:
    sizes = {"minSize": 0, "maxSize": 9, "desiredSize": there}
    eks.create_nodegroup(clusterName="c", nodegroupName="train", subnets=[], nodeRole=ROLE, scalingConfig=sizes)
    assert restore(SCALER | {"least": least}, asked) == after
    found = eks.describe_nodegroup(clusterName="c", nodegroupName="train")["nodegroup"]["scalingConfig"]
    assert (found["minSize"], found["desiredSize"], found["maxSize"]) == (int(least), after, 8)
    eks.delete_nodegroup(clusterName="c", nodegroupName="train")


def test_an_auto_scaling_group_of_ones_own_that_was_grown_is_never_made_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaler = SCALER | {"kind": "autoscaling", "group": "own"}
    cloud = SimulatedCloud(RULES)
    with api_endpoint(tmp_path, cloud=cloud) as environment:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        thing = put(cloud.account, SCALING_GROUP, "own", {"minSize": 0, "maxSize": 8, "desiredCapacity": 5})
        assert restore(scaler, 3) == 5
        assert thing.inputs == {"minSize": 2, "maxSize": 8, "desiredCapacity": 5}
        assert restore(scaler, 7) == 7
        with pytest.raises(PenstockError, match="no auto scaling group other"):
            restore(scaler | {"group": "other"}, 3)
    cloud.close()


def test_a_group_that_is_not_there_is_named(eks: Any) -> None:
    with pytest.raises(PenstockError, match="train could not be set to no nodes"):
        scale_to_zero(SCALER)
