"""A pool that is not there in time goes back to no nodes: asked of the account's own API, which moto plays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.errors import PenstockError
from providers.aws.operations import limit, restore, scale_to_zero
from rehearsal.providers.aws.endpoint import api_endpoint

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
    restore(SCALER, 4)
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


def test_a_group_that_is_not_there_is_named(eks: Any) -> None:
    with pytest.raises(PenstockError, match="train could not be set to no nodes"):
        scale_to_zero(SCALER)
