"""The acceptance gate on a real control plane: what is wrong with a node is found, named, and the node kept out."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.catalog import MachineType
from components.estimate.floors import Floor
from components.fabric import Collective, Fabric
from components.kubernetes.api import KubernetesApi
from components.kubernetes.gate import check_job, probe_pod
from components.kubernetes.resources import _expectation
from components.labels import POOL_LABEL, QUARANTINE
from components.plan.cluster import NodePoolPlan, PodBinding, VolumePlan
from components.plan.kubernetes import NAMESPACE, PoolExpectation
from components.spec.storage import OnDestroy
from engine.provider.errors import UnfinishedError
from lab.lab import Lab
from lab.network import system_path
from plugin.calls import Call
from plugin.console import Voice
from plugin.kubernetes.gate import create
from plugin.kubernetes.gate.pods import MARK
from plugin.kubernetes.gate.quarantine import let_in
from plugin.kubernetes.gate.run import run, take_back
from providers.existing.discovery import read_listing
from providers.existing.seen import seen_in

DEVICES = {"nvidia.com/gpu": 8, "rdma/hca": 1}


class Lines:
    """Lines that were said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def log(self, urn: str, text: str, *, severity: Any, ephemeral: bool) -> None:
        self.said.append(text)


@pytest.fixture
def api(lab: Lab) -> Iterator[KubernetesApi]:
    with KubernetesApi(lab.access()) as found:
        found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield found


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setattr("plugin.kubernetes.gate.waiting.SETTLE_S", 4.0)
    urn = "urn:pulumi:lab::penstock::penstock:kubernetes:Gate::lab"
    return Call(urn=urn, voice=Voice(Lines(), urn), cancelled=threading.Event())


def gate(pool: str, nodes: int, **more: Any) -> dict[str, Any]:
    expected = PoolExpectation(
        pool=pool,
        nodes=nodes,
        selector={POOL_LABEL: pool},
        devices=DEVICES,
        check=None,
        floor_gbps=0.0,
        floor_source="",
    )
    return {"name": "lab", "pools": [_expectation(expected)], "timeoutS": 60} | more


def probe(folder: Path, *, read_only: bool) -> dict[str, Any]:
    """The product's probe, with a folder of this machine in the place of the claim."""
    volume = VolumePlan(path="/data/runs", on_destroy=OnDestroy.KEEP, claim="x", mount_path="/data")
    body = dict(probe_pod(volume, "penstock-workload"))
    spec = body["spec"]
    spec["volumes"][0] = {"name": "volume", "hostPath": {"path": str(folder)}}
    spec["containers"][0]["volumeMounts"][0]["readOnly"] = read_only
    return body


def taint_of(api: KubernetesApi, name: str) -> str:
    node = api.get("v1", "Node", name) or {}
    return next((one["value"] for one in node["spec"].get("taints") or () if one["key"] == QUARANTINE), "")


@pytest.mark.parametrize(
    ("pool", "node", "words"),
    [
        ("short", "kwok-short", "7 of 8 x nvidia.com/gpu"),
        ("unwired", "kwok-unwired", "0 of 1 x rdma/hca"),
    ],
)
def test_a_node_that_lacks_a_device_is_kept_out(
    api: KubernetesApi, call: Call, pool: str, node: str, words: str
) -> None:  # fmt: skip
    outputs = run(call, api, gate(pool, 1))
    assert outputs["state"] == "fail"
    assert f"{node} is kept out: offers {words}" in outputs["reason"]
    assert outputs["quarantined"] == [node]
    assert taint_of(api, node) == "devices"
    take_back(call, api, "lab")
    assert taint_of(api, node) == ""
    assert not (api.get("v1", "Node", node) or {})["spec"].get("unschedulable")


def test_missing_nodes_are_counted(api: KubernetesApi, call: Call) -> None:
    outputs = run(call, api, gate("whole", 3, timeoutS=3))
    assert outputs["state"] == "fail"
    assert "2 of 3 nodes are Ready" in outputs["reason"]


def test_whole_nodes_that_write_pass(api: KubernetesApi, call: Call, tmp_path: Path) -> None:
    outputs = run(call, api, gate("whole", 2, probe=probe(tmp_path, read_only=False)))
    assert outputs["state"] == "pass", outputs["reason"]
    assert [(one["node"], one["state"]) for one in outputs["checks"] if one["subject"] == "volume"] == [
        ("whole-1", "pass"),
        ("whole-2", "pass"),
    ]
    assert not api.list("v1", "Pod", NAMESPACE, labels=MARK)


def test_a_volume_that_cannot_be_written_is_found_on_each_node(
    api: KubernetesApi, call: Call, tmp_path: Path
) -> None:  # fmt: skip
    outputs = run(call, api, gate("whole", 2, probe=probe(tmp_path, read_only=True)))
    assert outputs["state"] == "fail"
    assert "Read-only file system" in outputs["reason"]
    assert outputs["quarantined"] == ["whole-1", "whole-2"]
    take_back(call, api, "lab")


def test_the_lab_is_discovered(api: KubernetesApi) -> None:
    seen = seen_in(read_listing(api))
    assert seen.version == "1.36"
    assert {node.name: node.capacity for node in seen.nodes}["kwok-short"] == {"nvidia.com/gpu": 7, "rdma/hca": 1}
    assert len(seen.cluster_id) == 36


def measured(folder: Path, nodes: int, floor_gbps: float = 0.0, name: str = "whole") -> dict[str, Any]:
    """The product's check of a pool without accelerators, with a folder of this machine in the place of the claim."""
    machine = MachineType(
        name="any", cores=8, memory_gib=32.0, accelerator=None, accelerator_count=0, fabric=Fabric.ETHERNET
    )
    binding = PodBinding(env={"GLOO_SOCKET_IFNAME": "eth0"}, node_selector={POOL_LABEL: name})
    pool = NodePoolPlan(
        name=name, machine=machine, node_count=nodes, min_count=nodes, max_count=nodes, fabric=Fabric.ETHERNET,
        collective=Collective.GLOO, binding=binding,
    )  # fmt: skip
    volume = VolumePlan(path="/data/runs", on_destroy=OnDestroy.KEEP, claim="x", mount_path="/data")
    job = check_job(pool, nodes, Floor(floor_gbps=floor_gbps, source="test"), volume, "penstock-workload")
    body: dict[str, Any] = dict(job)
    body["spec"]["template"]["spec"]["volumes"][0] = {"name": "volume", "hostPath": {"path": str(folder)}}
    expected = gate(name, nodes)
    expected["pools"][0] |= {"check": body, "devices": {}, "floorGbps": floor_gbps}
    return expected


def test_the_fabric_of_two_nodes_is_measured(api: KubernetesApi, call: Call, tmp_path: Path) -> None:
    outputs = run(call, api, measured(tmp_path, 2))
    assert outputs["state"] == "pass", outputs["reason"]
    assert not api.list("batch/v1", "Job", NAMESPACE, labels=MARK)


def test_a_fabric_below_its_floor_fails(api: KubernetesApi, call: Call, tmp_path: Path) -> None:
    outputs = run(call, api, measured(tmp_path, 2, floor_gbps=10_000.0))
    assert outputs["state"] == "fail"
    assert "GB/s" in outputs["reason"], outputs["reason"]
    take_back(call, api, "lab")


@contextmanager
def slow_link(lab: Lab, api: KubernetesApi, node: str) -> Iterator[None]:
    """Every pod of the check that comes to the node has a link of 200 Mbit/s, by the kernel's token bucket."""
    over = threading.Event()
    tc = shutil.which("tc", path=system_path())
    if tc is None:
        pytest.skip("tc is missing")
    limit = ("qdisc", "replace", "root", "tbf", "rate", "200mbit", "burst", "64kb", "latency", "400ms")

    def narrow() -> None:
        done = set[str]()
        while not over.is_set():
            for pod in api.list("v1", "Pod", NAMESPACE, fields=f"spec.nodeName={node}"):
                address = pod.get("status", {}).get("podIP", "")
                if address and address not in done:
                    link = "pod" + "x".join(address.split(".")[2:])
                    command = lab.enter([tc, *limit[:2], "dev", link, *limit[2:]])
                    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                        done.add(address)
            time.sleep(0.05)

    thread = threading.Thread(target=narrow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_slow_link_is_found_and_its_node_comes_back_once_repaired(
    lab: Lab, api: KubernetesApi, call: Call, tmp_path: Path
) -> None:  # fmt: skip
    """One node of four; through the resource as the engine makes it: at `fail` it is not made, after repair it is."""
    asked = measured(tmp_path, 4, name="wired") | {"kubeconfig": lab.home.kubeconfig.read_text()}
    with slow_link(lab, api, "wired-2"), pytest.raises(UnfinishedError, match="wired-2 is slow") as caught:
        create(call, asked)
    assert caught.value.outputs["quarantined"] == ["wired-2"]
    assert taint_of(api, "wired-2") == "fabric"
    assert (api.get("v1", "Node", "wired-2") or {})["spec"]["unschedulable"]
    let_in(api, "wired-2")
    assert create(call, asked)["state"] == "pass"
    assert taint_of(api, "wired-2") == ""
    take_back(call, api, "lab")


def test_what_a_killed_gate_left_is_cleared_by_the_next(api: KubernetesApi, call: Call, tmp_path: Path) -> None:
    left = probe(tmp_path, read_only=False)
    left["spec"]["containers"][0]["command"] = ["sleep", "600"]
    left["spec"]["nodeName"] = "whole-1"
    api.create(left)
    outputs = run(call, api, gate("whole", 2, probe=probe(tmp_path, read_only=False)))
    assert outputs["state"] == "pass", outputs["reason"]
    assert not api.list("v1", "Pod", NAMESPACE, labels=MARK)


def test_a_check_that_is_asked_to_end_ends(api: KubernetesApi, tmp_path: Path) -> None:
    """It waits for a second node that never comes; its pod's grace is 600 s, and it does not take it."""
    body = measured(tmp_path, 2)["pools"][0]["check"]
    body["spec"]["parallelism"] = 1
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 600
    api.create(body)
    assert until(lambda: list(tmp_path.rglob(".fabric-check-meeting-*")))
    api.delete("batch/v1", "Job", body["metadata"]["name"], NAMESPACE, propagation="Background")
    assert until(lambda: not api.list("v1", "Pod", NAMESPACE, labels=MARK))


def until(found: Callable[[], object]) -> bool:
    """Waits; true if it came to be within a patience that is a tenth of the grace above."""
    for _ in range(600):
        if found():
            return True
        time.sleep(0.1)
    return False
