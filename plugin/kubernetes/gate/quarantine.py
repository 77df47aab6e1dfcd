"""Bad nodes kept out, and let in again: by a taint with the failed check, and by a cordon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi
from components.labels import CORDONED, QUARANTINE

ATTEMPTS = 5

Node = dict[str, Any]


def keep_out(api: KubernetesApi, node: str, check: str) -> None:
    """No pod is placed there any more, but those that tolerate everything. What runs there goes on."""

    def mark(body: Node) -> None:
        taints = [taint for taint in body["spec"].get("taints") or () if taint["key"] != QUARANTINE]
        body["spec"]["taints"] = [*taints, {"key": QUARANTINE, "value": check, "effect": "NoSchedule"}]
        if not body["spec"].get("unschedulable"):
            body["spec"]["unschedulable"] = True
            body["metadata"].setdefault("annotations", {})[CORDONED] = "true"

    _change(api, node, mark)


def let_in(api: KubernetesApi, node: str) -> None:
    """The node without the gate's marks."""

    def clear(body: Node) -> None:
        body["spec"]["taints"] = [taint for taint in body["spec"].get("taints") or () if taint["key"] != QUARANTINE]
        if body["metadata"].get("annotations", {}).pop(CORDONED, None):
            body["spec"]["unschedulable"] = False

    _change(api, node, clear)


def quarantined(api: KubernetesApi) -> list[str]:
    """Names of the nodes that are kept out now, in alphabetical order."""
    return sorted(node["metadata"]["name"] for node in api.list("v1", "Node") if _is_kept_out(node))


def _is_kept_out(node: Node) -> bool:
    return any(taint["key"] == QUARANTINE for taint in node["spec"].get("taints") or ())


def _change(api: KubernetesApi, name: str, change: Callable[[Node], None]) -> None:
    """Read, changed and written back; again where somebody else was faster. A node that is gone needs nothing."""
    for attempt in range(1, ATTEMPTS + 1):
        body = api.get("v1", "Node", name)
        if body is None:
            return
        change(body)
        try:
            api.replace(body)
        except ApiError as error:
            if error.status != 409 or attempt == ATTEMPTS:
                raise
        else:
            return
