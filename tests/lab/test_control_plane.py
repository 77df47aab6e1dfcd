"""The control plane that runs here is a real one, and what dies of it comes back."""

import ssl
import subprocess
import time
from collections.abc import Callable

import httpx
import pytest

from components.files import read_json
from components.kubernetes.api import ApiError, KubernetesApi, Object, UnreachableError
from lab.errors import LabError
from lab.folders import API_PORT, BRIDGE, DNS_SERVICE, GATEWAY
from lab.lab import Lab
from lab.shape import LabShape
from tools.lab import version

WAIT_S = 90.0


def eventually(holds: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
    """Waits for it; a server that is coming back refuses meanwhile."""
    end = time.monotonic() + within_s
    while True:
        try:
            if holds():
                return
        except (ApiError, UnreachableError):
            pass
        assert time.monotonic() < end, f"{what} not within {within_s} s"
        time.sleep(0.1)


def kwok_pod(name: str, **annotations: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {
            "nodeSelector": {"type": "kwok"},
            "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
            "containers": [{"name": "main", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "8"}}}],
        },
    }


def phase(api: KubernetesApi, name: str) -> str:
    pod = api.get("v1", "Pod", name, "default")
    return str(pod["status"]["phase"]) if pod else "gone"


def test_it_is_the_pinned_kubernetes(api: KubernetesApi) -> None:
    assert api.call("GET", "/readyz") == "ok"
    assert api.call("GET", "/version")["gitVersion"] == f"v{version('kubernetes')}" == "v1.36.3"


def test_every_process_serves_and_all_fit(lab: Lab) -> None:
    status = lab.status()
    assert [row.name for row in status if not row.ready] == []
    assert sum(row.rss_mib for row in status) < 1.5 * 1024


def test_the_record_tells_the_shape(lab: Lab, shape: LabShape) -> None:
    assert read_json(lab.home.record)["shape"] == shape.as_json()


def test_nobody_comes_in_without_a_certificate(lab: Lab) -> None:
    access = lab.access()
    assert access.authority is not None
    trusting = ssl.create_default_context(cadata=access.authority.decode())
    refused = httpx.get(f"{access.server}/api/v1/namespaces", verify=trusting, trust_env=False)
    assert refused.status_code == 403
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{access.server}/readyz", trust_env=False)


def test_the_network_of_the_lab(lab: Lab) -> None:
    def inside(*command: str) -> str:
        return subprocess.run(lab.enter(command), capture_output=True, text=True, check=True, timeout=30).stdout

    assert GATEWAY in inside("ip", "-brief", "addr", "show", "dev", BRIDGE)
    assert inside("ip", "route", "get", DNS_SERVICE).startswith(f"local {DNS_SERVICE} dev lo")
    assert "default" not in inside("ip", "route")  # nothing outside can be reached from here
    listening = f":{API_PORT}"
    assert listening in inside("ss", "-tln")
    assert listening not in subprocess.run(["ss", "-tln"], capture_output=True, text=True, check=True).stdout


def test_all_nodes_are_ready_and_theirs(api: KubernetesApi, shape: LabShape) -> None:
    nodes = {node["metadata"]["name"]: node for node in api.list("v1", "Node")}
    assert sorted(nodes) == sorted(node.name for node in (*shape.process, *shape.kwok))
    for wanted in (*shape.process, *shape.kwok):
        assert wanted.all_labels().items() <= nodes[wanted.name]["metadata"]["labels"].items()
        allocatable = nodes[wanted.name]["status"]["allocatable"]
        assert wanted.allocatable["cpu"] == allocatable["cpu"]
    assert nodes["kwok-0"]["status"]["allocatable"]["nvidia.com/gpu"] == "8"


def test_controllers_run(api: KubernetesApi) -> None:
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}})
    eventually(lambda: api.get("v1", "ServiceAccount", "default", "fresh") is not None, "a service account")
    eventually(lambda: api.get("v1", "ConfigMap", "kube-root-ca.crt", "fresh") is not None, "the root certificate")
    api.delete("v1", "Namespace", "fresh")
    eventually(lambda: api.get("v1", "Namespace", "fresh") is None, "the namespace's end")


def test_a_pod_on_a_kwok_node_runs_until_it_is_deleted(api: KubernetesApi) -> None:
    api.create(kwok_pod("stays"))
    eventually(lambda: phase(api, "stays") == "Running", "running")
    bound = api.get("v1", "Pod", "stays", "default")
    assert bound is not None
    assert bound["spec"]["nodeName"].startswith("kwok-")
    time.sleep(3)
    assert phase(api, "stays") == "Running"
    api.delete("v1", "Pod", "stays", "default")
    eventually(lambda: phase(api, "stays") == "gone", "deletion")


def test_a_pod_on_a_kwok_node_ends_when_it_says(api: KubernetesApi) -> None:
    api.create(kwok_pod("ends", **{"penstock.dev/kwok-run-s": "1"}))
    eventually(lambda: phase(api, "ends") == "Succeeded", "success")
    api.delete("v1", "Pod", "ends", "default")
    eventually(lambda: phase(api, "ends") == "gone", "deletion")


def test_a_pod_that_fits_nowhere_stays_pending(api: KubernetesApi) -> None:
    pod = kwok_pod("large")
    pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "9"
    api.create(pod)

    def refused() -> bool:
        found = api.get("v1", "Pod", "large", "default") or {"status": {}}
        return any(
            "Insufficient nvidia.com/gpu" in row.get("message", "") for row in found["status"].get("conditions", ())
        )

    eventually(refused, "the scheduler's refusal")
    assert phase(api, "large") == "Pending"
    api.delete("v1", "Pod", "large", "default")


@pytest.mark.parametrize("name", ["kube-apiserver", "etcd", "kube-scheduler", "door"])
def test_what_is_killed_comes_back_with_what_it_knew(lab: Lab, api: KubernetesApi, name: str) -> None:
    mark = f"before-{name}"
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": mark, "namespace": "default"}})
    before = {row.name: row for row in lab.status()}[name]
    lab.kill(name)

    def back() -> bool:
        now = {row.name: row for row in lab.status()}[name]
        return now.restarts > before.restarts and now.pid != before.pid and all(row.ready for row in lab.status())

    eventually(back, f"{name} back")
    eventually(lambda: api.get("v1", "ConfigMap", mark, "default") is not None, "the object")
    api.delete("v1", "ConfigMap", mark, "default")


def test_a_paused_api_server_answers_nobody(lab: Lab) -> None:
    lab.pause("kube-apiserver")
    try:
        with pytest.raises(UnreachableError), KubernetesApi(lab.access(), timeout_s=1.0) as api:
            api.call("GET", "/readyz")
    finally:
        lab.resume("kube-apiserver")
    with KubernetesApi(lab.access()) as api:
        eventually(lambda: api.call("GET", "/readyz") == "ok", "ready again")


def test_killing_what_is_not_there(lab: Lab) -> None:
    with pytest.raises(LabError, match="no living process 'kubelet'"):
        lab.kill("kubelet")
