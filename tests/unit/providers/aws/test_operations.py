"""A pool that is not there in time goes back to no nodes: asked of the account's own API, which moto plays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.errors import PenstockError
from providers.aws.operations import limit, restore, scale_to_zero, shortage, turn_to
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.faults import FaultScript, NoCapacity
from rehearsal.providers.aws.capacity import NODE_GROUP, SCALING_GROUP, TEMPLATE
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


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCloud]:
    """An account without machines of the type that the group `train` asks for, and with `spare` beside it."""
    faults = FaultScript(capacity=(NoCapacity(machine_type="g6e.8xlarge", times="always"),))
    cloud = SimulatedCloud(RULES, faults=faults)
    with api_endpoint(tmp_path, cloud=cloud) as environment:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        client: Any = boto3.Session(region_name=REGION).client("eks")
        client.create_cluster(name="c", roleArn=ROLE, resourcesVpcConfig={"subnetIds": []})
        sizes = {"minSize": 0, "maxSize": 8, "desiredSize": 0}
        for name, machine in (("train", "g6e.8xlarge"), ("spare", "g6e.4xlarge")):
            put(cloud.account, TEMPLATE, f"lt-{name}", {"instanceType": machine})
            inputs = {"scalingConfig": sizes, "launchTemplate": {"id": f"lt-{name}"}, "subnetIds": []}
            thing = put(cloud.account, NODE_GROUP, f"c:{name}", inputs)
            thing.outputs["resources"] = [{"autoscalingGroups": [{"name": f"eks-{name}-1"}]}]
            client.create_nodegroup(clusterName="c", nodegroupName=name, subnets=[], nodeRole=ROLE, scalingConfig=sizes)
        yield cloud
        for name in ("train", "spare"):
            client.delete_nodegroup(clusterName="c", nodegroupName=name)
        client.delete_cluster(name="c")
    cloud.close()


def group(cloud: SimulatedCloud, name: str) -> tuple[int, int]:
    """Nodes that the group is to have, and those that it lacks."""
    thing = cloud.account.get(NODE_GROUP, f"c:{name}")
    assert thing
    return thing.inputs["scalingConfig"]["desiredSize"], thing.missing


def test_what_a_group_lacks_is_told_and_asked_for_in_another(short: SimulatedCloud) -> None:
    scaler, spare = SCALER | {"least": "0"}, SCALER | {"least": "0", "group": "spare"}
    assert shortage(scaler) == ""
    assert restore(scaler, 4) == 4
    assert group(short, "train") == (4, 4)
    assert "InsufficientInstanceCapacity - We currently do not have sufficient g6e.8xlarge" in shortage(scaler)
    assert turn_to(scaler, spare, 3) == 3
    assert (group(short, "train"), group(short, "spare")) == ((1, 1), (3, 0))
    assert turn_to(scaler, spare | {"most": "3"}, 3) == 3, "no more than it may have"
    assert group(short, "train") == (0, 0)
    assert shortage(scaler) == ""


def test_a_degraded_group_is_resized_behind_eks(short: SimulatedCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """EKS may refuse to change a group that is not active (aws/containers-roadmap 2204)."""

    def refused(_cloud: object, path: str, _body: object) -> None:
        if path.endswith("/update-config"):
            raise CloudApiError(
                "ResourceInUseException", "Nodegroup cannot be updated as it is currently not in Active State"
            )

    monkeypatch.setattr("rehearsal.providers.aws.resizing._node_group", refused)
    scale_to_zero(SCALER | {"machines": "eks-train-1"})
    assert restore(SCALER | {"machines": "eks-train-1"}, 4) == 4
    assert group(short, "train") == (4, 4)
    with pytest.raises(PenstockError, match="not in Active State"):
        restore(SCALER, 4)
