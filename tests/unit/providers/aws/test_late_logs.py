"""The log group that EKS makes anew after a cluster's end, in the simulated account: what goes last takes it away."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from providers.aws import late_logs as subject
from providers.aws.drain_resource import LATE_LOGS_S
from providers.aws.late_logs import delete_late_logs
from providers.aws.operations import drain
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.leftovers import leftovers
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.providers.aws.kinds.cloudwatch import GROUP
from rehearsal.providers.aws.kinds.eks import CLUSTER
from rehearsal.providers.aws.rules import RULES

REGION, NAME = "us-east-2", "/aws/eks/prod/cluster"
ROLE = "arn:aws:iam::123456789012:role/cluster"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    made = SimulatedCloud(RULES, existing=[ROLE])
    yield made
    made.close()


def up(cloud: SimulatedCloud, *, logs: bool = True) -> list[tuple[str, str]]:
    """A cluster and its group, by type and id, in the order in which they go."""
    vpc = cloud.create("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"}, region=REGION)
    subnets = [
        cloud.create(
            "aws:ec2/subnet:Subnet",
            zone,
            region=REGION,
            inputs={"vpcId": vpc.id, "cidrBlock": f"10.0.{number}.0/24", "availabilityZone": f"{REGION}{zone}"},
        )
        for number, zone in enumerate("ab")
    ]
    group = cloud.create(GROUP, "logs", {"name": NAME, "retentionInDays": 30}, region=REGION)
    asked: dict[str, Any] = {
        "name": "prod", "version": "1.35", "roleArn": ROLE, "vpcConfig": {"subnetIds": [one.id for one in subnets]},
    }  # fmt: skip
    if logs:
        asked["enabledClusterLogTypes"] = ["api"]
    cluster = cloud.create(CLUSTER, "cluster", asked, region=REGION)
    return [(one.token, one.id) for one in (cluster, group, *subnets, vpc)]


def destroy(cloud: SimulatedCloud, things: list[tuple[str, str]]) -> None:
    for token, id_ in things:
        cloud.delete(token, id_, "it")


def left(cloud: SimulatedCloud) -> list[str]:
    cloud.look_for_load_balancers()
    return [one.what for one in leftovers(cloud.account, ())]


def test_a_second_up_after_a_destroy_fails_at_the_group_that_eks_made_anew(cloud: SimulatedCloud) -> None:
    destroy(cloud, up(cloud))
    assert left(cloud) == [f"LogGroup {NAME}"]
    with pytest.raises(CloudApiError, match="already exists"):
        up(cloud)


def test_what_goes_last_takes_the_group_away_and_a_second_up_succeeds(cloud: SimulatedCloud) -> None:
    destroy(cloud, up(cloud))
    said: list[str] = []
    drain({"region": REGION, "cluster": "prod", "vpc": "", "patienceS": 0.0, "identity": {}}, said.append)
    assert len(said) == 1
    assert left(cloud) == []
    up(cloud)


def test_a_cluster_that_wrote_no_logs_leaves_nothing(cloud: SimulatedCloud) -> None:
    destroy(cloud, up(cloud, logs=False))
    assert left(cloud) == []


class Logs:
    """A client that has the group from the second look on."""

    def __init__(self) -> None:
        self.looks, self.deleted = 0, ""

    def describe_log_groups(self, **asked: str) -> dict[str, Any]:
        self.looks += 1
        name = asked["logGroupNamePrefix"]
        return {"logGroups": [{"logGroupName": name}] if self.looks > 1 else [{"logGroupName": f"{name}-more"}]}

    def delete_log_group(self, **asked: str) -> None:
        self.deleted = asked["logGroupName"]


@pytest.mark.parametrize(("patience_s", "deleted"), [(LATE_LOGS_S, NAME), (0.0, "")])
def test_beside_another_s_network_it_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch, patience_s: float, deleted: str
) -> None:
    monkeypatch.setattr(subject, "POLL_S", 0.0)
    logs, quiet = Logs(), _quiet
    delete_late_logs(logs, "prod", quiet, patience_s)
    assert logs.deleted == deleted


_quiet: Callable[[str], None] = lambda _words: None  # noqa: E731


def test_a_group_of_another_name_stays(cloud: SimulatedCloud) -> None:
    cloud.create(GROUP, "others", {"name": f"{NAME}-of-others"}, region=REGION)
    client: Any = boto3.Session(region_name=REGION).client("logs")
    delete_late_logs(client, "prod", _quiet, 0.0)
    assert [one["logGroupName"] for one in client.describe_log_groups()["logGroups"]] == [f"{NAME}-of-others"]
