"""Pods on process nodes behave as containers do: names, Services, probes, ends, volumes, and the end of a node."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.api import KubernetesApi
from lab.lab import Lab
from tests.lab.node.pods import (
    HELD,
    ended,
    exit_code,
    main_state,
    node_names,
    ready,
    remove,
    run,
    said,
    until,
    until_pod,
)  # fmt: skip

SERVE = "mkdir /tmp/www && cd /tmp/www && hostname > index.html && exec python -m http.server 8080"
PYTHON = {"image": "python:3.11", "ports": [{"name": "http", "containerPort": 8080}],
          "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}}  # fmt: skip

SLEEP_S = 987654
"""By this the processes of a pod are known among all of this machine."""


@pytest.fixture(autouse=True)
def _clean(api: KubernetesApi) -> Iterator[None]:
    yield
    for pod in api.list("v1", "Pod", "default"):
        name = pod["metadata"]["name"]
        free = {"name": name, "namespace": "default", "finalizers": None}
        api.patch({"apiVersion": "v1", "kind": "Pod", "metadata": free})
        remove(api, name)
    until(lambda: not api.list("v1", "Pod", "default"))


def test_a_pod_ends_with_its_exit_code_and_its_last_word(api: KubernetesApi) -> None:
    run(api, "short", "echo $A > /dev/termination-log; exit 3", container={"env": [
        {"name": "B", "value": "b"}, {"name": "A", "value": "a$(B)$$(B)$(C)"}]})  # fmt: skip

    pod = ended(api, "short")

    assert (pod["status"]["phase"], exit_code(pod), said(pod)) == ("Failed", 3, "ab$(B)$(C)")


def test_pods_find_each_other_by_headless_name_and_by_service(api: KubernetesApi) -> None:
    for name, address in (("ring", "None"), ("front", None)):
        api.create({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
            | ({"clusterIP": address} if address else {}),
        })  # fmt: skip
    run(api, "web-0", SERVE, container=PYTHON, hostname="zero", subdomain="ring", labels={"app": "web"})
    ready(api, "web-0")
    asks = "for i in $(seq 50); do curl -sf {0} > /dev/termination-log && exit 0; sleep 0.2; done; exit 1"
    run(api, "by-name", asks.format("http://zero.ring.default.svc.cluster.local:8080"), nodeName=node_names(api)[-1])
    run(api, "by-service", asks.format("http://front"), nodeName=node_names(api)[-1])
    run(api, "outside", "getent hosts example.com")

    found = {name: ended(api, name) for name in ("by-name", "by-service", "outside")}

    assert said(found["by-name"]) == said(found["by-service"]) == "zero"
    assert exit_code(found["outside"]) == 2
    for name in ("ring", "front"):
        api.delete("v1", "Service", name, "default")


def test_what_ignores_sigterm_is_killed_after_its_grace_and_what_heeds_it_ends_well(api: KubernetesApi) -> None:
    hook = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo -n hook, > /dev/termination-log"]}}}}
    run(api, "deaf", "trap '' TERM; while :; do sleep 0.1; done", finalizers=[HELD])
    run(
        api, "heeds", "trap 'echo stopped >> /dev/termination-log; exit 0' TERM; while :; do sleep 0.1; done",
        container=hook, finalizers=[HELD],
    )  # fmt: skip
    for name in ("deaf", "heeds"):
        ready(api, name)
        api.delete("v1", "Pod", name, "default", grace_s=3, propagation="Background")

    assert exit_code(ended(api, "deaf")) == 137
    heeds = ended(api, "heeds")
    assert (exit_code(heeds), said(heeds)) == (0, "hook,stopped")


def test_a_container_that_is_not_alive_is_started_again(api: KubernetesApi) -> None:
    probe = {"exec": {"command": ["test", "-f", "/root/alive"]}, "periodSeconds": 1, "failureThreshold": 2,
             "initialDelaySeconds": 1, "terminationGracePeriodSeconds": 1}  # fmt: skip
    run(
        api, "dies", "touch alive; sleep 2; rm alive; sleep 1000", restartPolicy="Always",
        container={"livenessProbe": probe, "workingDir": "/root"},
    )  # fmt: skip

    pod = until_pod(api, "dies", lambda pod: main_state(pod)["restartCount"] >= 1)

    assert main_state(pod)["lastState"]["terminated"]["exitCode"] == 137


def test_init_containers_come_first_and_sidecars_stay(api: KubernetesApi) -> None:
    shared = {"volumeMounts": [{"name": "work", "mountPath": "/order"}], "image": "busybox"}
    inits = [
        {"name": "first", "command": ["sh", "-c", "echo -n 1 >> /order/file"]} | shared,
        {"name": "beside", "restartPolicy": "Always", "command": ["sh", "-c", "echo -n 2 >> /order/file; sleep 1000"],
         "startupProbe": {"exec": {"command": ["grep", "2", "/order/file"]}, "periodSeconds": 1}} | shared,
        {"name": "last", "command": ["sh", "-c", "echo -n 3 >> /order/file"]} | shared,
    ]  # fmt: skip
    run(
        api, "ordered", "cat /order/file > /dev/termination-log", container=shared, initContainers=inits,
        terminationGracePeriodSeconds=1, volumes=[{"name": "work", "emptyDir": {}}],
    )  # fmt: skip

    pod = ended(api, "ordered")

    assert (pod["status"]["phase"], said(pod)) == ("Succeeded", "123")


def test_a_config_map_may_come_late_is_read_only_and_follows_changes(api: KubernetesApi) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "default"}}
    watch = "touch /config/x 2>/dev/null && exit 9; until grep -q new /config/a; do sleep 0.2; done"
    run(api, "reads", watch, container={"volumeMounts": [{"name": "config", "mountPath": "/config"}]},
        volumes=[{"name": "config", "configMap": {"name": "late"}}])  # fmt: skip
    until(lambda: [event for event in api.list("v1", "Event", "default") if event["reason"] == "FailedMount"])
    api.create(config | {"data": {"a": "old"}})
    ready(api, "reads")

    api.patch(config | {"data": {"a": "new"}})

    assert exit_code(ended(api, "reads")) == 0
    api.delete("v1", "ConfigMap", "late", "default")


def test_an_image_without_a_program_waits_and_says_so(api: KubernetesApi) -> None:
    run(api, "unknown", "true", container={"image": "ghcr.io/nobody/nothing:1"})

    pod = until_pod(api, "unknown", lambda pod: "ImagePull" in str(main_state(pod)["state"]))

    assert "ghcr.io/nobody/nothing:1" in main_state(pod)["state"]["waiting"]["message"]


def test_a_killed_node_takes_its_pods_along_and_tells_of_them_when_it_is_back(lab: Lab, api: KubernetesApi) -> None:
    node = node_names(api)[0]
    run(api, "once", f"sleep {SLEEP_S}")
    run(api, "always", f"sleep {SLEEP_S}", restartPolicy="Always")
    for name in ("once", "always"):
        ready(api, name)
    until(lambda: len(_sleepers()) == 2)  # a container has started before its shell has become the program

    killed = lab.home.nodes / "nodes" / f"{node}.pid"
    signal_inside(lab, "KILL", killed)
    until(lambda: not _sleepers() and not killed.exists())  # the file goes once the node's end has been noticed
    signal_inside(lab, "HUP", lab.home.nodes / "agent.pid")

    once = ended(api, "once")
    assert (exit_code(once), main_state(once)["state"]["terminated"]["reason"]) == (137, "ContainerStatusUnknown")
    again = until_pod(api, "always", lambda pod: main_state(pod)["restartCount"] == 1)
    assert main_state(again)["lastState"]["terminated"]["exitCode"] == 137


def signal_inside(lab: Lab, name: str, pid_file: Path) -> None:
    subprocess.run(lab.enter(["kill", f"-{name}", pid_file.read_text()]), check=True)


def _sleepers() -> list[str]:
    """The main processes of the two pods, as this machine sees them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == f"sleep\0{SLEEP_S}\0".encode():
                found.append(path.parent.name)
        except OSError:
            continue
    return found
