"""A cloud that has only rows: what its account refuses, and which faults it meets. The SDK's types are pulumi-aws's."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from engine.provider.errors import UnfinishedError
from engine.provider.values import Unknown
from rehearsal.cloud import sdk
from rehearsal.cloud.collection import ResourceRow
from rehearsal.cloud.collection_rules import CollectionRules
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.rules import Demand, Rules
from rehearsal.faults import FaultScript

CLUSTER, POOL = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
GROUP = {
    "nodeGroupName": "train", "clusterName": "one", "nodeRoleArn": "role", "subnetIds": ["a"],
    "instanceTypes": ["big"], "scalingConfig": {"desiredSize": 2, "minSize": 0, "maxSize": 2},
}  # fmt: skip


def demand(inputs: Inputs) -> Demand:
    return Demand(
        machine_types=tuple(inputs["instanceTypes"]), zones=("z",), count=inputs["scalingConfig"]["desiredSize"]
    )


RULES: Rules = CollectionRules(
    package="aws",
    sdk_version="7",
    rows=(
        ResourceRow(
            token=CLUSTER, ready_min=9.0, outputs={"endpoint": "https://{id}.{region}", "arn": "link/{name}"},
            usd_per_hour=Decimal("0.1"),
        ),
        ResourceRow(
            token=POOL, own_name="nodeGroupName", refers={"clusterName": CLUSTER}, ready_min=3.0, deleted_min=4.0,
            demand=demand,
        ),
    ),
    signature=lambda token: sdk.signature("aws", token),
    default_region="here",
    cluster_token=CLUSTER,
    login_command="cloud token",
    reference=re.compile(r"link/[a-z]+"),
    object_quotas={"clusters": CLUSTER},
    machine_quotas={"machines": lambda asked: asked.count},
    machine_usd_per_hour={"big": Decimal(3)},
)  # fmt: skip


def cloud(file: Path | None = None, **faults: Any) -> SimulatedCloud:
    return SimulatedCloud(RULES, file, faults=FaultScript.model_validate(faults))


def create(account: SimulatedCloud, token: str, **inputs: Any) -> Any:
    return account.create(token, inputs.get("name", "train"), inputs, region="here")


def cluster(account: SimulatedCloud, name: str = "one", **inputs: Any) -> Any:
    return create(account, CLUSTER, name=name, roleArn="role", vpcConfig={"subnetIds": ["a"]}, **inputs)


def test_an_object_has_its_computed_outputs_and_takes_its_minutes() -> None:
    account = cloud()
    made = cluster(account)
    assert (made.id, made.outputs["endpoint"], made.outputs["arn"]) == ("one", "https://one.here", "link/one")
    assert account.clock.now_min == 9.0


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"roleArn": 3}, "roleArn: 3 is not text"),
        ({"roleArn": None}, "roleArn is required and missing"),
        ({"rolArn": "x"}, "rolArn is unknown"),
        ({"vpcConfig": {"subnetIds": "a"}}, "vpcConfig.subnetIds: 'a' is not a list"),
        ({"vpcConfig": {"subnetIds": ["a"], "q": 1}}, "vpcConfig.q is unknown"),
        ({"vpcConfig": []}, "vpcConfig: [] is not an object"),
        ({"tags": {"a": 1}}, "tags.a: 1 is not text"),
        ({"bootstrapSelfManagedAddons": "yes"}, "bootstrapSelfManagedAddons: 'yes' is not true or false"),
    ],
)
def test_inputs_against_the_types_of_the_sdk_are_refused(inputs: dict[str, Any], message: str) -> None:
    right = {"name": "one", "roleArn": "role", "vpcConfig": {"subnetIds": ["a"]}}
    with pytest.raises(CloudApiError, match=re.escape(message)):
        cloud().create(CLUSTER, "one", {**right, **inputs}, region="here")


def test_a_preview_takes_what_is_not_known_yet_and_refuses_the_rest() -> None:
    account = cloud()
    right = {"name": "one", "roleArn": Unknown(), "vpcConfig": {"subnetIds": [Unknown()]}}
    assert isinstance(account.foresee(CLUSTER, right, region="here")["endpoint"], Unknown)
    with pytest.raises(CloudApiError, match="INVALID_ARGUMENT: version: 1 is not text"):
        account.foresee(CLUSTER, {**right, "version": 1}, region="here")
    assert not account.account.objects()


def test_what_is_named_must_be_there_and_ready() -> None:
    account = cloud(partial=[{"resource": "train", "nodes": 0}])
    with pytest.raises(CloudApiError, match="NOT_FOUND: Cluster 'one' was not found"):
        create(account, POOL, **GROUP)
    one = cluster(account)
    one.status = type(one.status).FAILED
    with pytest.raises(CloudApiError, match="FAILED_PRECONDITION: Cluster one is not ready"):
        create(account, POOL, **GROUP)


def test_a_self_link_anywhere_in_the_inputs_must_be_there() -> None:
    account = cloud()
    with pytest.raises(CloudApiError, match="NOT_FOUND: resource 'link/none'"):
        cluster(account, tags={"beside": "link/none"})
    cluster(account, "two")
    cluster(account, tags={"beside": "link/two"})
    with pytest.raises(CloudApiError, match="Cluster 'two' is in use by Cluster one"):
        account.delete(CLUSTER, "two", "two")


def test_a_name_is_used_once() -> None:
    account = cloud()
    cluster(account)
    with pytest.raises(CloudApiError, match="ALREADY_EXISTS: Cluster 'one' already exists"):
        cluster(account)


def test_what_is_in_use_is_not_deleted_and_a_pool_takes_its_minutes() -> None:
    account = cloud()
    cluster(account)
    pool = create(account, POOL, **GROUP)
    with pytest.raises(CloudApiError, match="FAILED_PRECONDITION: Cluster 'one' is in use by NodeGroup train"):
        account.delete(CLUSTER, "one", "one")
    before = account.clock.now_min
    account.delete(POOL, pool.id, "train")
    assert account.clock.now_min == before + 4.0
    account.delete(CLUSTER, "one", "one")
    assert not account.account.objects()


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"capacity": [{"machineType": "big"}]}, "RESOURCE_EXHAUSTED: z does not have enough big"),
        ({"partial": [{"resource": "train", "nodes": 1}]}, "1 of 2 machines were started"),
        ({"quotas": {"machines": 1}}, "quota machines of 1 exceeded (2 needed)"),
    ],
)
def test_a_pool_that_lacks_machines_is_there_and_not_ready(faults: dict[str, Any], message: str) -> None:
    account = cloud(**faults)
    cluster(account)
    with pytest.raises(UnfinishedError, match=re.escape(message)):
        create(account, POOL, **GROUP)
    assert [thing.status.value for thing in account.account.objects()] == ["active", "failed"]


def test_one_object_more_than_the_quota_is_refused() -> None:
    account = cloud(quotas={"clusters": 1})
    cluster(account)
    with pytest.raises(CloudApiError, match="quota clusters of 1 exceeded"):
        cluster(account, "two")
    with pytest.raises(SpecError, match=r"quotas\.vpcs: unknown key"):
        cloud(quotas={"vpcs": 1})


def test_a_request_fails_as_scripted() -> None:
    account = cloud(errors=[{"operation": "eks:CreateCluster", "code": "INTERNAL"}])
    with pytest.raises(CloudApiError, match="eks:CreateCluster: INTERNAL"):
        cluster(account)
    assert cluster(account).id == "one"


def test_machines_cost_by_their_number_and_another_process_finds_them(tmp_path: Path) -> None:
    account = cloud(tmp_path / "account.sqlite")
    cluster(account)
    create(account, POOL, **GROUP)
    account.close()
    again = cloud(tmp_path / "account.sqlite")
    prices = [RULES.price(again.account, thing) for thing in again.account.objects()]
    assert prices == [Decimal("0.1"), Decimal(6)]
    with pytest.raises(CloudApiError, match="is in use by"):
        again.delete(CLUSTER, "one", "one")


def test_a_change_of_the_name_replaces_and_another_updates() -> None:
    account = cloud()
    made = cluster(account)
    old = dict(made.inputs)
    assert account.difference(CLUSTER, "one", old, {**old, "name": "two"}).replacing == ("name",)
    assert not account.difference(CLUSTER, "one", old, {**old, "version": "2"}).replacing
    changed = account.update(CLUSTER, "one", "one", old, {**old, "version": "2"}, region="here")
    assert (changed.outputs["version"], changed.outputs["endpoint"]) == ("2", "https://one.here")
