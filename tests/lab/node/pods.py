"""Helpers of the tests of process nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from components.kubernetes.api import KubernetesApi, Object
from components.labels import POOL_LABEL

_T = TypeVar("_T")
WAIT_S = 90.0
HELD = "penstock.dev/test"
"""A finalizer: the object stays when all else of the pod has gone, so that its last status can be read."""


def run(
    api: KubernetesApi, name: str, command: str, *, container: Mapping[str, Any] | None = None, **spec: Any
) -> Object:
    """A pod of one container that runs `command` in a shell on a process node."""
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]} | dict(container or {})
    labels, finalizers = spec.pop("labels", {}), spec.pop("finalizers", [])
    body = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels, "finalizers": finalizers},
        "spec": {"containers": [main], "restartPolicy": "Never", "nodeName": node_names(api)[0]} | spec,
    }  # fmt: skip
    until(lambda: api.get("v1", "ServiceAccount", "default", "default"))
    return api.create(body)


def node_names(api: KubernetesApi) -> list[str]:
    """The process nodes that are for these tests."""
    return sorted(node["metadata"]["name"] for node in api.list("v1", "Node", labels=f"{POOL_LABEL}=process"))


def ended(api: KubernetesApi, name: str) -> Object:
    """The pod, once it has succeeded or failed."""
    return until_pod(api, name, lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))


def ready(api: KubernetesApi, name: str) -> Object:
    return until_pod(
        api, name,
        lambda pod: any(row["type"] == "Ready" and row["status"] == "True" for row in pod["status"]["conditions"]),
    )  # fmt: skip


def until_pod(api: KubernetesApi, name: str, holds: Callable[[Object], bool]) -> Object:
    def look() -> Object | None:
        pod = api.get("v1", "Pod", name, "default")
        return pod if pod and pod.get("status", {}).get("conditions") and holds(pod) else None

    return until(look, lambda: (api.get("v1", "Pod", name, "default") or {}).get("status"))


def until(look: Callable[[], _T | None], tell: Callable[[], object] = lambda: "") -> _T:
    """Waits until `look` finds something, and returns it."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {WAIT_S:.0f} s: {tell()}")


def main_state(pod: Object) -> Object:
    state: Object = pod["status"]["containerStatuses"][0]
    return state


def exit_code(pod: Object) -> int:
    return int(main_state(pod)["state"]["terminated"]["exitCode"])


def said(pod: Object) -> str:
    """The container's last word."""
    return str(main_state(pod)["state"]["terminated"].get("message", "")).strip()


def remove(api: KubernetesApi, *names: str) -> None:
    for name in names:
        api.delete("v1", "Pod", name, "default", grace_s=0, propagation="Background")
