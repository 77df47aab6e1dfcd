"""HyperPod: which pools it runs, and which it cannot."""

import json
from typing import Any, Self

import boto3
import pytest
from botocore.stub import Stubber

from components.kubernetes.api import UnreachableError
from providers.aws.control_plane.hyper_pod.chart import chart_problems
from providers.aws.control_plane.hyper_pod.plan import HyperPodPlan, bill, plan_hyper_pod
from providers.aws.versions import default_version
from tests.unit.providers.aws.control_plane.planned_pools import decided, refused
from tests.unit.providers.aws.nodes.pools import BLOCK, pool, spec_of

SCRIPTS = {"lifecycleScripts": "s3://scripts/eks/", "chartInstalled": True}
PLAN = "arn:aws:sagemaker:us-east-2:123456789012:training-plan/ours"


def plan(*pools: dict[str, Any], names: tuple[str, ...] = ("train",), **hyper_pod: Any) -> HyperPodPlan:
    asked = {"pools": list(names), **SCRIPTS, **hyper_pod}
    made = decided(
        plan_hyper_pod, spec_of(*(pools or (pool(count=2),)), aws={"hyperPod": asked}, kubernetesVersion="1.34")
    )
    assert made is not None
    return made


def test_nothing_is_made_unless_asked() -> None:
    assert decided(plan_hyper_pod, spec_of(pool())) is None


def test_the_named_pools_and_no_other() -> None:
    made = plan(pool(count=2, rootDiskGib=300), pool("serve", machine_type="g6.xlarge"))
    (group,) = made.groups
    assert (group.pool, group.machine_type, group.count, group.disk_gib) == ("train", "ml.p5.48xlarge", 2, 300)
    assert group.taints
    assert group.labels
    assert made.health_checks == ("InstanceStress", "InstanceConnectivity")


def test_deep_checks_can_be_left_out() -> None:
    assert plan(deepHealthChecks=False).health_checks == ()


def test_the_bill_says_that_the_price_is_not_known() -> None:
    (line,) = bill(plan(trainingPlan=PLAN), "us-east-2")
    assert (line.count, line.unit_usd_per_hour) == (2, None)
    assert "training plan" in line.source


HELD = {"reservation": {"id": "cr-0a1b2c3d4e5f60718", "zone": "us-east-2b"}}
REFUSALS: list[tuple[dict[str, Any], tuple[str, ...], dict[str, Any], str, list[str]]] = [
    # pool, names, cluster, path, words
    ({}, ("trian",), {}, "aws.hyperPod.pools.0", ["'trian'", "did you mean 'train'?"]),
    ({}, ("train", "zzz"), {}, "aws.hyperPod.pools.1", ["'zzz'", "available: train"]),
    ({}, ("train", "train"), {}, "aws.hyperPod.pools.1", ["'train' is named twice"]),
    ({"capacity": "spot"}, ("train",), {}, "cluster.nodePools.train.capacity", ["spot", "set onDemand"]),
    ({"capacity": HELD}, ("train",), {}, "cluster.nodePools.train.capacity", ["cr-0a1b2c3d4e5f60718", "trainingPlan"]),
    (
        {"capacity": {"capacityBlock": BLOCK}},
        ("train",),
        {},
        "cluster.nodePools.train.capacity",
        ["cannot use EC2 capacity blocks", "training plan"],
    ),
    (
        {"machineType": "inf2.48xlarge"},
        ("train",),
        {},
        "cluster.nodePools.train.machineType",
        ["'inf2.48xlarge' is not a machine type of HyperPod", "out of aws.hyperPod.pools"],
    ),
    ({"maxCount": 3}, ("train",), {}, "cluster.nodePools.train.maxCount", ["1 to 3", "fixed size", "remove minCount"]),
    ({}, ("train",), {"kubernetesVersion": "1.35"}, "cluster.kubernetesVersion", ["'1.35'", "1.34"]),
    (
        {},
        ("train",),
        {},
        "cluster.kubernetesVersion",
        [f"'{default_version()}' is not a version that HyperPod supports"],
    ),
]


def test_without_its_chart_on_the_cluster_it_is_refused_with_the_way_to_get_it_there() -> None:
    spec = spec_of(pool(), aws={"hyperPod": {"pools": ["train"], **SCRIPTS, "chartInstalled": False}})
    told = refused(plan_hyper_pod, spec)["aws.hyperPod.chartInstalled"]
    assert "run `up` without aws.hyperPod" in told
    assert "helm install hyperpod-dependencies" in told


@pytest.mark.parametrize(("keys", "names", "cluster", "path", "words"), REFUSALS)
def test_what_hyper_pod_cannot_run_is_refused_with_its_remedy(
    keys: dict[str, Any], names: tuple[str, ...], cluster: dict[str, Any], path: str, words: list[str]
) -> None:
    only = pool() | keys
    found = refused(plan_hyper_pod, spec_of(only, aws={"hyperPod": {"pools": list(names), **SCRIPTS}}, **cluster))
    assert path in found
    for word in words:
        assert word in found[path]


def test_a_stack_s_name_that_is_too_long_is_refused() -> None:
    spec = spec_of(pool(), aws={"hyperPod": {"pools": ["train"], **SCRIPTS}})
    assert "63 characters" in refused(plan_hyper_pod, spec, "s" * 64)["stack"]


class Api:
    """An API server with a DaemonSet or without, or one that does not answer."""

    def __init__(self, found: object) -> None:
        self._found = found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def get(self, _api: str, kind: str, name: str, namespace: str) -> object:
        assert (kind, name, namespace) == ("DaemonSet", "health-monitoring-agent", "aws-hyperpod")
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


@pytest.mark.parametrize(
    ("there", "found", "words"),
    [
        (True, {"kind": "DaemonSet"}, []),
        (True, None, ["has no DaemonSet health-monitoring-agent in aws-hyperpod", "`helm install hyperpod-"]),
        (True, UnreachableError("no route"), []),
        (False, None, ["run `up` without aws.hyperPod, its pools and storage.fileSystem first"]),
    ],
    ids=["there", "not there", "no answer", "no cluster"],
)
def test_a_chart_is_looked_for_on_its_cluster(there: bool, found: object, words: list[str]) -> None:
    make: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client
    eks, opened = make("eks"), list[str]()
    cluster = {"name": "aws-test", "endpoint": "https://eks.example", "certificateAuthority": {"data": "Q0E="}}

    def connect(document: str) -> Any:
        opened.append(document)
        return Api(found)

    with Stubber(eks) as stub:
        if there:
            stub.add_response("describe_cluster", {"cluster": cluster}, {"name": "aws-test"})
        else:
            stub.add_client_error("describe_cluster", "ResourceNotFoundException")
        told = chart_problems("aws-test", "us-east-2", {"profile": "ops"}, eks, connect)
    assert [one.path for one in told] == ["aws.hyperPod.chartInstalled"] * bool(words)
    assert all(word in told[0].message for word in words)
    for document in opened:
        assert json.loads(document)["clusters"][0]["cluster"]["server"] == "https://eks.example"
        assert "--profile" in document
