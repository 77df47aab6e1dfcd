"""The acceptance gate on the simulated Kubernetes: its pods run to their end, by the state of the nodes they are on."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.catalog import MachineType, accelerators
from components.fabric import Collective, Fabric
from components.kubernetes.api import ApiError, KubernetesApi
from components.kubernetes.gate import plan_gate
from components.kubernetes.resources import _expectation
from components.plan.cluster import ClusterPlan, NodePoolPlan, PodBinding, Taint, VolumePlan
from components.plan.kubernetes import NAMESPACE
from components.spec.cluster import TaintEffect
from components.spec.platform import GateSpec, PlatformSpec
from components.spec.storage import OnDestroy
from plugin.calls import Call
from plugin.console import Voice
from plugin.kubernetes.cluster import connected
from plugin.kubernetes.gate import diff
from plugin.kubernetes.gate.run import run, take_back
from rehearsal.cloud.credential_program import credential_program
from rehearsal.faults import BadNode, FaultScript
from rehearsal.kubernetes.cluster import SimulatedKubernetes

TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
LABELS = {"penstock.dev/pool": "train"}
POOL = NodePoolPlan(
    name="train", node_count=3, min_count=3, max_count=3, fabric=Fabric.EFA, collective=Collective.NCCL,
    machine=MachineType(
        name="p5.48xlarge", cores=192, memory_gib=2048, accelerator=accelerators()["h100"], accelerator_count=8,
        fabric=Fabric.EFA,
    ),
    binding=PodBinding(
        devices={"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32}, huge_pages_mib=5120, node_selector=LABELS,
        tolerations=(Taint(key="nvidia.com/gpu", value="present", effect=TaintEffect.NO_SCHEDULE),),
    ),
)  # fmt: skip
VOLUME = VolumePlan(path="/fsx/s", on_destroy=OnDestroy.KEEP, claim="file-system", mount_path="/fsx")
OFFERED = {
    "cpu": 190, "memory": "2000Gi", "hugepages-2Mi": "10256Mi", "nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32,
}  # fmt: skip


class Quiet:
    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        pass


CALL = Call(urn="urn:gate", voice=Voice(Quiet(), "urn:gate"), cancelled=threading.Event())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks as often as the cluster's own clock allows."""
    monkeypatch.setattr("plugin.kubernetes.cluster.LONGEST_PAUSE_S", 0.05)


@contextmanager
def cluster(*bad: BadNode, nodes: int = 3) -> Iterator[tuple[SimulatedKubernetes, KubernetesApi]]:
    kubernetes = SimulatedKubernetes(faults=FaultScript(nodes=bad))
    with kubernetes.serving(), KubernetesApi(kubernetes.outside_access) as api:
        kubernetes.appear()
        kubernetes.add_nodes("train", nodes, LABELS, [TAINT], OFFERED)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "file-system", "namespace": NAMESPACE},
            "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
        }  # fmt: skip
        api.apply(claim)
        yield kubernetes, api


def inputs(*pools: NodePoolPlan, timeout_s: int = 900) -> dict[str, Any]:
    plan = ClusterPlan(cloud="x", node_pools=pools or (POOL,), volume=VOLUME, scheduler="kueue")
    gate = plan_gate(PlatformSpec(gate=GateSpec()), plan, "r.example/penstock:1")
    assert gate is not None
    expected = [_expectation(one) for one in gate.pools]
    return {"name": "train", "pools": expected, "probe": gate.probe, "timeoutS": timeout_s}


def test_good_nodes_pass_every_check() -> None:
    with cluster() as (_, api):
        outputs = run(CALL, api, inputs())
        assert outputs["state"] == "pass", outputs
        found = [(one["subject"], one["state"]) for one in outputs["checks"]]
        assert found == [("devices", "pass")] * 3 + [("volume", "pass")] * 3 + [("fabric", "pass")]
        assert not api.list("v1", "Pod", NAMESPACE)


def test_a_node_that_reaches_its_file_system_over_tcp_is_named_and_kept_out() -> None:
    pool = replace(POOL, node_count=2, file_system_module="kefalnd")
    with cluster(nodes=2) as (kubernetes, api):
        kubernetes.add_nodes("train", 2, LABELS, [TAINT], OFFERED, ("kefalnd",))
        assert run(CALL, api, inputs(pool))["state"] == "pass"
        kubernetes.add_nodes("late", 1, LABELS, [TAINT], OFFERED)
        outputs = run(CALL, api, inputs(replace(pool, node_count=3)))
        assert outputs["quarantined"] == ["late-0"], outputs
        (bad,) = [one for one in outputs["checks"] if one["state"] == "fail" and one["node"]]
        assert (bad["node"], bad["reason"].partition(":")[0]) == ("late-0", "the file system is reached over TCP")


def test_a_node_whose_driver_is_too_old_is_named_and_kept_out() -> None:
    pool = replace(POOL, min_driver="570.133.20")
    with cluster(BadNode(node="train-1", driver="550.54.15")) as (_, api):
        outputs = run(CALL, api, inputs(pool))
        assert outputs["quarantined"] == ["train-1"], outputs
        assert "its NVIDIA driver is 550.54.15, and its accelerators need 570.133.20" in outputs["reason"]


@pytest.mark.parametrize(
    ("bad", "subject", "words"),
    [
        (BadNode(node="train-1", bandwidth=0.2), "fabric", "train-1 moves"),
        (BadNode(node="train-1", devices={"nvidia.com/gpu": 7}), "devices", "offers 7 of 8 x nvidia.com/gpu"),
        (BadNode(node="train-1", volume="Stale file handle"), "volume", "Stale file handle"),
    ],
    ids=["slow", "short of a device", "without its volume"],
)
def test_a_bad_node_is_quarantined_until_it_is_repaired(bad: BadNode, subject: str, words: str) -> None:
    bad = bad.model_copy(update={"repaired_after_min": 5.0})
    with cluster(bad) as (kubernetes, api):
        outputs = run(CALL, api, inputs())
        assert outputs["state"] == "fail"
        assert words in outputs["reason"]
        assert outputs["quarantined"] == ["train-1"]
        assert kubernetes.injector.injected == [f"train-1, a bad node, kept out for its {subject}"]
        assert kubernetes.injector.unused_faults() == ()
        again = run(CALL, api, inputs())
        assert (again["state"], again["quarantined"]) == ("pass", []), again["reason"]


def test_a_bad_node_is_done_without_where_there_are_enough_others() -> None:
    with cluster(BadNode(node="train-1", bandwidth=0.2), nodes=4) as (_, api):
        outputs = run(CALL, api, inputs())
        assert outputs["state"] == "pass", outputs["reason"]
        assert outputs["quarantined"] == ["train-1"]
        take_back(CALL, api, "train")
        assert not [one for one in api.list("v1", "Node") if one["spec"].get("taints") != [TAINT]]


def test_a_node_of_two_pools_is_probed_once_and_counts_in_both() -> None:
    with cluster(BadNode(node="train-1", volume="Stale file handle")) as (_, api):
        made = inputs()
        twice = made | {
            "pools": [made["pools"][0], {**made["pools"][0], "pool": "stand-in", "nodes": 0, "check": None}]
        }
        outputs = run(CALL, api, twice)
        found = [(one["pool"], one["node"], one["state"]) for one in outputs["checks"] if one["subject"] == "volume"]
        states = [("train-0", "pass"), ("train-1", "fail"), ("train-2", "pass")]
        assert found == [(pool, *state) for pool in ("train", "stand-in") for state in states]


def test_a_pod_without_a_fabric_device_measures_tcp_and_fails() -> None:
    """Outcome of a builder that forgets the binding's devices."""
    without = replace(POOL, binding=replace(POOL.binding, devices={"nvidia.com/gpu": 8}))
    with cluster() as (_, api):
        outputs = run(CALL, api, inputs(without))
        assert outputs["state"] == "fail"
        assert "data went over Socket in place of the fabric" in outputs["reason"]


def test_a_pod_that_does_not_tolerate_its_nodes_is_told_of() -> None:
    without = replace(POOL, binding=replace(POOL.binding, tolerations=()))
    with cluster() as (_, api):
        outputs = run(CALL, api, inputs(without))
        assert outputs["state"] == "unknown"
        assert "no node has room for it" in outputs["reason"]


def test_nodes_that_do_not_come_are_missed_on_the_clusters_clock() -> None:
    """Half an hour of the cluster's, and a moment of ours."""
    with cluster(nodes=2) as (kubernetes, api):
        outputs = run(CALL, api, inputs(timeout_s=1800))
        assert outputs["state"] == "fail"
        assert "2 of 3 nodes are Ready after 1800 s" in outputs["reason"]
        assert kubernetes.clock.now_min >= 30


def test_a_gate_outlives_the_tokens_of_its_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "tokens"
    monkeypatch.setenv("PATH", credential_program(tmp_path, "cloud", "get-token", given)["PATH"])
    with cluster(nodes=2) as (kubernetes, _):
        kubernetes.tokens.given_out(given, 15.0)
        content = {
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": kubernetes.access.server}}],
            "users": [{"name": "u", "user": {"exec": {"command": "cloud", "args": ["get-token"]}}}],
        }  # fmt: skip
        with connected({"kubeconfig": json.dumps(content)}) as api:
            outputs = run(CALL, api, inputs(timeout_s=1800))
        assert "2 of 3 nodes are Ready after 1800 s" in outputs["reason"]
        assert len(given.read_text().split()) > 1


def test_a_bad_node_that_nobody_finds_is_told() -> None:
    with cluster(BadNode(node="other-*", bandwidth=0.5)) as (kubernetes, api):
        assert run(CALL, api, inputs())["state"] == "pass"
        assert kubernetes.injector.unused_faults() == ("bad node other-*",)


def test_a_device_that_no_node_offers_is_told() -> None:
    """Also of a node that was found bad for something else."""
    slow = BadNode(node="train-1", bandwidth=0.2, devices={"nvidia.com/gppu": 0})
    with cluster(slow, BadNode(node="train-2", devices={"nvidia.com/gppu": 3})) as (kubernetes, api):
        assert run(CALL, api, inputs())["quarantined"] == ["train-1"]
        assert kubernetes.injector.unused_faults() == (
            "bad node train-1 (none so named offers nvidia.com/gppu)",
            "bad node train-2 (none so named offers nvidia.com/gppu)",
        )
        node = api.get("v1", "Node", "train-2")
        assert node
        assert "nvidia.com/gppu" not in node["status"]["allocatable"]


def test_a_probes_last_word_is_in_its_log() -> None:
    with cluster(BadNode(node="train-*", volume="Read-only file system")) as (_, api):
        made = inputs()
        probe = {**made["probe"], "metadata": {**made["probe"]["metadata"], "name": "one"}}
        api.create(probe)
        for _ in range(20):
            pod = api.get("v1", "Pod", "one", NAMESPACE) or {}
            if pod.get("status", {}).get("phase") == "Failed":
                break
        assert api.call("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/one/log") == "Read-only file system\n"


SERVE = replace(
    POOL, name="serve", node_count=2, min_count=2, max_count=2,
    binding=replace(POOL.binding, node_selector={"penstock.dev/pool": "serve"}),
)  # fmt: skip
VALIDATION = "admissionregistration.k8s.io/v1"


class Heard(Quiet):
    """Lines that were said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        self.lines += [] if ephemeral else [text]


@contextmanager
def two_pools(serving: int, *bad: BadNode) -> Iterator[tuple[SimulatedKubernetes, KubernetesApi]]:
    """Three nodes of `train`, and so many of the two of `serve`."""
    with cluster(*bad) as (kubernetes, api):
        kubernetes.add_nodes("serve", serving, {"penstock.dev/pool": "serve"}, [TAINT], OFFERED)
        yield kubernetes, api


def marks(api: KubernetesApi) -> dict[str, str]:
    """By node, the value of the gate's taint; a trailing bar where the node is cordoned."""
    return {
        node["metadata"]["name"]: taint["value"] + ("|" if node["spec"].get("unschedulable") else "")
        for node in api.list("v1", "Node")
        for taint in node["spec"].get("taints") or ()
        if taint["key"] == "penstock.dev/quarantine"
    }


def barred(api: KubernetesApi) -> list[dict[str, str]]:
    """Labels of the nodes to which no work is bound."""
    bindings = api.list(VALIDATION, "ValidatingAdmissionPolicyBinding")
    assert bool(bindings) == bool(api.list(VALIDATION, "ValidatingAdmissionPolicy"))
    return [one["spec"]["paramRef"]["selector"]["matchLabels"] for one in bindings]


def test_a_pool_that_is_short_stays_shut_and_the_others_open() -> None:
    """And the same look again opens it once it is whole, without a look at the pool where work runs by then."""
    heard = Heard()
    call = Call(urn="urn:gate", voice=Voice(heard, "urn:gate"), cancelled=threading.Event())
    asked = inputs(POOL, SERVE)
    with two_pools(1) as (kubernetes, api):
        first = run(call, api, asked)
        assert (first["state"], list(first["shut"])) == ("partial", ["serve"]), first
        assert first["shut"]["serve"].startswith("nodes: 1 of 2 nodes are Ready after 900 s")
        assert [one["state"] for one in first["checks"] if one["subject"] == "fabric"] == ["pass"], "train's"
        assert (marks(api), first["quarantined"], barred(api)) == (
            {"serve-0": "pool"}, [], [{"penstock.dev/pool": "serve"}]
        )  # fmt: skip
        (warning,) = [line for line in heard.lines if "serve" in line]
        assert warning.startswith("serve is shut: nodes: 1 of 2 nodes are Ready")
        assert "not waited for" in warning
        assert diff(asked, asked, first)
        kubernetes.add_nodes("serve", 2, {"penstock.dev/pool": "serve"}, [TAINT], OFFERED)
        takes_the_devices(api, "train-0")
        second = run(call, api, asked, asked)
        assert (second["state"], second["shut"], marks(api), barred(api)) == ("pass", {}, {}, [])
        assert [(one["pool"], one["state"]) for one in second["checks"] if one["subject"] == "fabric"] == [
            ("train", "pass"), ("serve", "pass"),
        ]  # fmt: skip
        assert not diff(asked, asked, second)


def takes_the_devices(api: KubernetesApi, node: str) -> None:
    """A pod that works on the node's accelerators, on which no fabric check could run."""
    limits = {"nvidia.com/gpu": "8"}
    container = {"name": "work", "image": "x", "resources": {"limits": limits, "requests": limits}}
    api.create(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "work", "namespace": NAMESPACE},
            "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "containers": [container]},
        }
    )  # fmt: skip


def test_a_bad_node_of_a_shut_pool_keeps_its_own_mark() -> None:
    with two_pools(2, BadNode(node="serve-1", devices={"nvidia.com/gpu": 7})) as (_, api):
        outputs = run(CALL, api, inputs(POOL, SERVE))
        assert (outputs["state"], outputs["quarantined"]) == ("partial", ["serve-1"])
        assert marks(api) == {"serve-0": "pool", "serve-1": "devices|"}
        take_back(CALL, api, "train")
        assert (marks(api), barred(api)) == ({}, [])


def test_a_mark_of_the_pool_is_no_word_about_its_node() -> None:
    with two_pools(1, BadNode(node="serve-0", bandwidth=0.2)) as (kubernetes, api):
        assert run(CALL, api, inputs(POOL, SERVE))["state"] == "partial"
        assert marks(api) == {"serve-0": "pool"}
        assert kubernetes.injector.unused_faults() == ("bad node serve-0",), "nobody has measured it"


def test_all_pools_short_fail_the_whole() -> None:
    with cluster(nodes=2) as (_, api):
        outputs = run(CALL, api, inputs(POOL, SERVE))
        assert (outputs["state"], list(outputs["shut"])) == ("fail", ["train", "serve"])
        assert marks(api) == {"train-0": "pool", "train-1": "pool"}


def test_nodes_that_stand_in_for_those_of_a_shut_pool_are_barred_with_them() -> None:
    """They carry its label, and nobody has looked at them. An open pool's are not."""
    spot = replace(SERVE, name="spot")
    stand_in = replace(SERVE, name="stand-in", node_count=0, min_count=0, desired_now=0)
    with two_pools(1) as (_, api):
        assert list(run(CALL, api, inputs(POOL, spot, stand_in))["shut"]) == ["spot"]
        assert marks(api) == {"serve-0": "pool"}
        one_is_enough = replace(stand_in, name="small", node_count=1, desired_now=None)
        assert list(run(CALL, api, inputs(POOL, spot, one_is_enough))["shut"]) == ["spot"]
        assert (marks(api), barred(api)) == ({}, [])


def test_a_pool_that_was_open_and_now_lacks_nodes_keeps_its_work() -> None:
    with two_pools(2) as (_, api):
        asked = inputs(POOL, SERVE)
        assert run(CALL, api, asked)["state"] == "pass"
        more = inputs(POOL, replace(SERVE, node_count=4))
        outputs = run(CALL, api, more, asked)
        assert (outputs["state"], list(outputs["shut"])) == ("partial", ["serve"])
        assert (marks(api), barred(api)) == ({}, [])


@pytest.mark.parametrize(("status", "told"), [(403, True), (500, False)])
def test_a_policy_that_may_not_be_made_is_told(status: int, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ApiError(status, "Forbidden", "no rights")

    monkeypatch.setattr("plugin.kubernetes.gate.shutting._bar", refuse)
    heard = Heard()
    call = Call(urn="urn:gate", voice=Voice(heard, "urn:gate"), cancelled=threading.Event())
    with two_pools(1) as (_, api):
        if not told:
            with pytest.raises(ApiError):
                run(call, api, inputs(POOL, SERVE))
            return
        assert run(call, api, inputs(POOL, SERVE))["state"] == "partial"
        assert marks(api) == {"serve-0": "pool"}
        assert any("nodes that come later to serve take work unseen" in line for line in heard.lines)
