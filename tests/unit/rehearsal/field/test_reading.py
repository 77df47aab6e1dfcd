"""A deployment read out of resources as pulumi-aws has them, by the rows of AWS."""

import json
from typing import Any

import pytest

from rehearsal.field.deployed import Deployment, at, every
from rehearsal.field.facts import EndpointRow, FieldFacts, PoolRow
from rehearsal.field.reading import RELEASE, deployment_of
from rehearsal.field.rules import findings
from rehearsal.providers.aws.field_facts import FACTS
from rehearsal.providers.aws.resource_types import ADDON, BATCH, CLUSTER, NODE_GROUP, TEMPLATE
from tests.unit.rehearsal.field.field_cases import built

TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}


def group(**more: Any) -> Any:
    """It was made without nodes, and has been given its size since."""
    inputs: dict[str, Any] = {
        "nodeGroupName": "train",
        "releaseVersion": "r",
        "launchTemplate": {"id": "lt-1", "version": "1"},
        "labels": {"pool": "train"},
        "taints": [TAINT],
        "scalingConfig": {"minSize": 0, "desiredSize": 2, "maxSize": 2},
    }
    outputs = {"resources": [{"autoscalingGroups": [{"name": "eks-train-1"}]}]}
    return built(NODE_GROUP, "net-train", {**inputs, **more}, outputs=outputs, asked={"nodeGroupName": "train"})


def template(machine_type: str = "p5.48xlarge", **more: Any) -> Any:
    interfaces = [{"interfaceType": kind} for kind in ("interface", "efa-only", "efa-only")]
    return built(TEMPLATE, "t", {"instanceType": machine_type, "networkInterfaces": interfaces, **more}, id="lt-1")


def read(*resources: Any, before: tuple[Any, ...] | None = None) -> Deployment:
    return deployment_of(FACTS, resources, before=before)


def found(*resources: Any, before: tuple[Any, ...] | None = None) -> list[str]:
    return [f"{one.rule}: {one.subject}" for one in findings(read(*resources, before=before))]


def test_a_pool_is_read_from_its_group_and_template() -> None:
    pool = read(template(), group()).pools[0]
    assert (pool.name, pool.machine_type, pool.desired, pool.maximum) == ("train", "p5.48xlarge", 2, 2)
    assert pool.devices == {"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 2}
    assert pool.huge_pages_mib == 10256
    assert pool.taints[0]["effect"] == "NoSchedule"


def test_a_pool_without_a_fabric_sets_no_huge_pages_aside() -> None:
    pool = read(template(networkInterfaces=[{"interfaceType": "interface"}]), group()).pools[0]
    assert (pool.huge_pages_mib, pool.devices) == (0, {"nvidia.com/gpu": 8})


def test_a_made_up_name_is_the_resources_own() -> None:
    assert read(template(), group(__defaults=["nodeGroupName"])).pools[0].name == "net-train"


def test_a_schedule_resizes_the_group_that_it_names() -> None:
    schedule = built("aws:autoscaling/schedule:Schedule", "start", {"autoscalingGroupName": "eks-train-1"})
    grown = group(scalingConfig={"minSize": 0, "desiredSize": 0, "maxSize": 8})
    assert read(template(), grown, schedule).pools[0].resized_by == ("start",)
    assert found(template(), grown, schedule) == []
    assert found(template(), grown) == ["scaling: pool train"]


@pytest.mark.parametrize(
    ("settings", "is_public"),
    [({}, True), ({"endpointPublicAccess": False}, False), ({"endpointPublicAccess": True}, True)],
)
def test_an_endpoint_is_public_unless_said(settings: dict[str, Any], *, is_public: bool) -> None:
    endpoint = read(built(CLUSTER, "k", {"name": "k", "vpcConfig": settings})).endpoints[0]
    assert endpoint.is_public is is_public
    assert endpoint.open_to == ("0.0.0.0/0",)


def test_a_cloud_may_say_that_a_cluster_is_private_and_that_a_pool_grows_by_itself() -> None:
    endpoint = EndpointRow(
        resource="c:Cluster", cluster="name", public="private", public_unless_said=True, public_when=False,
        open_to="ranges", open_unless_said=("0.0.0.0/0",), source="guide",
    )  # fmt: skip
    pool = PoolRow(
        resource="c:Pool", name="name", machine_type=("type",), labels="labels", taints="taints", minimum="min",
        desired="now", maximum="max", autoscaled="autoscaling",
    )  # fmt: skip
    facts = FieldFacts(nodes="gcp", endpoints=(endpoint,), pools=(pool,))
    sizes = {"min": 0, "now": 1, "max": 4}
    for private, settings in ((True, {}), (False, {"autoscaling": {"mode": "any"}})):
        made = (built("c:Cluster", "k", {"private": private}), built("c:Pool", "p", {**sizes, **settings}))
        read_in = deployment_of(facts, made)
        assert read_in.endpoints[0].is_public is not private
        assert bool(findings(read_in)) is private  # the pool that nothing grows
    assert deployment_of(facts, [built("c:Cluster", "k")]).endpoints[0].is_public


def test_an_add_on_brings_the_daemons_of_its_chart() -> None:
    agent = {"addonName": "eks-node-monitoring-agent"}
    right = {"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}}
    assert found(template(), group(), built(ADDON, "a", agent)) == ["landing: dcgm-server on train"]
    mended = built(ADDON, "a", {**agent, "configurationValues": json.dumps(right)})
    assert found(template(), group(), mended) == []


def test_a_release_is_known_by_the_end_of_its_address() -> None:
    release = built(RELEASE, "r", {"chart": "oci://registry.k8s.io/kueue/charts/kueue", "values": {"a": 1}})
    chart = read(release).charts[0]
    assert (chart.chart, chart.values, chart.by_cloud) == ("kueue", {"a": 1}, False)


def test_a_new_template_rolls_the_group_and_another_machine_type_too() -> None:
    newer = group(launchTemplate={"id": "lt-1", "version": "2"})
    assert found(template(), newer, before=(template(), group())) == ["rolling: pool train"]
    larger = group(scalingConfig={"minSize": 0, "desiredSize": 4, "maxSize": 4})
    assert found(template(), larger, before=(template(), group())) == []


def test_nodes_stay_behind_a_cluster_that_moves_on() -> None:
    def cluster(version: str) -> Any:
        return built(CLUSTER, "k", {"name": "k", "version": version}, timeouts_min={"delete": 60})

    nodes = (template(), group())
    moved = found(cluster("1.35"), *nodes, before=(cluster("1.34"), *nodes))
    assert moved == ["transitions: version of net-train"]


def test_a_date_in_the_tags_of_a_template_is_found() -> None:
    tags = [{"resourceType": "instance", "tags": {"Name": "t", "team:expires": "2027-01-01"}}]
    assert found(template(tagSpecifications=tags), group()) == ["rolling: tagSpecifications.tags team:expires"]


def test_batch_takes_security_groups_once() -> None:
    resources = {"securityGroupIds": ["sg-1"], "launchTemplate": {"launchTemplateId": "lt-1"}}
    environment = built(BATCH, "b", {"computeResources": resources})
    assert found(template(), environment) == ["exclusive: ComputeEnvironment"]
    assert found(built(TEMPLATE, "t", {}, id="lt-1"), environment) == []


def test_every_row_of_aws_names_its_source() -> None:
    parts = (
        "endpoints",
        "registries",
        "changes",
        "volatile",
        "versions",
        "sizes",
        "names",
        "autoscalers",
        "settling",
        "served",
    )
    rows: list[Any] = [row for part in (*parts, "exclusive") for row in getattr(FACTS, part)]
    assert len(rows) > 50
    assert all(row.source for row in rows)


def test_a_path_goes_through_lists_and_json() -> None:
    value = {"a": [{"b": 1}, {"b": 2}], "j": '{"c": [{"d": 3}]}', "x.y/z": 4, "none": None}
    assert list(every(value, "a.b")) == [1, 2]
    assert at(value, "a.b") == 1
    assert at(value, "j.c.d") == 3
    assert at(value, "x.y/z") == 4
    assert at(value, "none") is None
    assert at(value, "a.missing.b") is None
