"""Each refusal undone: a stack that the planner then takes is found by a field rule, which shares nothing with it."""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from providers import load
from providers.aws.control_plane import host_mounts
from providers.aws.nodes import lustre_client
from providers.aws.storage.handle import StorageHandle
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.deployed import OUTPUTS, identity
from tests.unit.providers.aws.in_the_field import found_in
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.whole_stacks import BATCH, GONE, SLURM, STACK, changed, write
from tests.unit.providers.aws.wrong_accounts import CONTROL_PLANES, PARTITIONS, PLACES, RESERVATIONS, Followed


def built(changes: dict[str, Any], folder: Path, now: datetime) -> tuple[Graph, str]:
    """The whole stack as it is registered, and its region."""
    plan = plan_stack(read_path(write(changed(changes, STACK), folder, "aws-test")), "aws-test", now)
    return register(lambda: build(load("aws"), plan), outputs=OUTPUTS, identify=identity), plan.cluster.region


def nothing(*_asked: Any) -> tuple[()]:
    return ()


def case(cases: list[Followed], words: str) -> dict[str, Any]:
    (found,) = [changes for name, changes, *_ in cases if words in name]
    return found


LATER = datetime(2027, 9, 1, tzinfo=UTC)
OLD = {"cluster.kubernetesVersion": "1.33", "cluster.expiresAt": "2028-01-01T00:00:00Z"}
Undone = tuple[str, str, str, dict[str, Any], datetime, str]
UNDONE: list[Undone] = [
    # rule, module and function that refuse, changes of the stack, time of the plan, words of the finding
    (
        "places",
        "storage.lustre",
        "place_problems",
        case(PLACES, "in Paris"),
        NOW,
        "PERSISTENT_2, which the service does not have",
    ),
    ("places", "storage.lustre", "place_problems", case(PLACES, "fastest"), NOW, "perUnitStorageThroughput 1000"),
    ("places", "storage.lustre", "place_problems", case(PLACES, "in Malaysia"), NOW, "deploymentType SCRATCH_2"),
    ("partitions", "plan", "place_problems", case(PARTITIONS, "administrator"), NOW, "ARNs of aws-us-gov"),
    ("partitions", "plan", "place_problems", case(PARTITIONS, "load balancer"), NOW, "ARNs of aws-cn"),
    ("reserved", "nodes.plan", "shared_problems", case(RESERVATIONS, "two machines"), NOW, "differ in instanceType"),
    (
        "reserved",
        "nodes.plan",
        "shared_problems",
        case(RESERVATIONS, "of one id"),
        NOW,
        "instanceMarketOptions.marketType",
    ),
    ("support", "plan", "version_problem", OLD, LATER, "of version 1.33, of which the service makes none"),
    (
        "prepared",
        "control_plane.hyper_pod.plan",
        "_asked_problems",
        case(CONTROL_PLANES, "before its chart"),
        NOW,
        "which this `up` has just",
    ),
]


@pytest.mark.parametrize("row", UNDONE, ids=[f"{row[0]}: {row[-1]}" for row in UNDONE])
def test_what_is_no_longer_refused_is_found_in_the_field(
    row: Undone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rule, module, refuses, changes, now, words = row
    monkeypatch.setattr(import_module(f"providers.aws.{module}"), refuses, nothing)
    graph, region = built(changes, tmp_path, now)
    told = found_in(graph, rule, region=region, now=now)
    assert any(words in one for one in told), told


HYPER_POD = {"pools": ["train"], "lifecycleScripts": "s3://scripts/on/", "chartInstalled": True}
HOME = {"storage.sharedFileSystem": {"mountPath": "/home"}}
WHOLE: dict[str, dict[str, Any]] = {
    "eks": {},
    "hyperpod": {"aws.hyperPod": HYPER_POD},
    "slurm": {"cluster.kubernetesVersion": GONE, "aws": SLURM, **HOME},
    "batch": {"cluster.kubernetesVersion": GONE, "cluster.nodePools.1": GONE, "aws": BATCH, **HOME},
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_stacks_have_none_of_it(name: str, tmp_path: Path) -> None:
    graph, region = built(WHOLE[name], tmp_path, NOW)
    rules = ("places", "partitions", "reserved", "support", "patience", "mounts", "lacking", "exclusive")
    assert found_in(graph, *rules, region=region, now=NOW) == []


def test_a_mount_without_tls_and_machines_that_mount_too_early_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(StorageHandle, "ready", ())
    script = host_mounts._script
    monkeypatch.setattr(
        host_mounts, "_script", lambda mount: script(mount).apply(lambda text: text.replace("-o tls ", ""))
    )
    graph, _ = built(WHOLE["slurm"], tmp_path, NOW)
    told = found_in(graph, "mounts")
    assert any("denies what has no TLS" in one for one in told), told
    assert any("starts machines that mount before" in one for one in told), told


@pytest.mark.parametrize("name", ["slurm", "batch"])
def test_jobs_without_a_right_to_the_stacks_bucket_are_found(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(import_module("providers.aws.cluster"), "bucket_rights", lambda _storage: None)
    graph, _ = built(WHOLE[name], tmp_path, NOW)
    told = found_in(graph, "lacking")
    assert told
    assert all("its jobs cannot reach aws-test-storage-objects" in one for one in told), told


ON_FABRIC = {"eks": {}, "slurm": {"cluster.kubernetesVersion": GONE, "aws": SLURM, "cluster.nodePools.1": GONE}}


@pytest.mark.parametrize("name", ON_FABRIC)
def test_nodes_that_nothing_sets_up_for_the_fabric_of_their_file_system_are_found(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    graph, _ = built(ON_FABRIC[name], tmp_path, NOW)
    assert graph.one("LustreFileSystem").inputs["efaEnabled"]
    assert found_in(graph, "lnet") == []
    monkeypatch.setattr(lustre_client, "over_efa", lambda _machine: "")
    graph, _ = built(ON_FABRIC[name], tmp_path, NOW)
    told = found_in(graph, "lnet")
    assert any("reach" in one and "adds no network over EFA" in one for one in told), told


def test_a_file_system_on_a_fabric_under_batch_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph, _ = built(WHOLE["batch"], tmp_path, NOW)
    assert not graph.one("LustreFileSystem").inputs.get("efaEnabled")
    monkeypatch.setattr("providers.aws.storage.plan._control_plane", lambda _spec: "eks")
    graph, _ = built(WHOLE["batch"], tmp_path, NOW)
    assert any("adds no network over EFA" in one for one in found_in(graph, "lnet"))
