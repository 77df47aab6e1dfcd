"""Bad nodes kept out, and let in again: by a taint with the failed check, and by a cordon.

Nodes of a pool that is shut get the taint alone, with a value of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi
from components.labels import CORDONED, QUARANTINE, SHUT

ATTEMPTS = 5

Node = dict[str, Any]


def keep_out(api: KubernetesApi, node: str, check: str) -> None:
    """No pod is placed there any more, but those that tolerate everything. What runs there goes on."""

    def mark(body: Node) -> None:
        _taint(body, check)
        if not body["spec"].get("unschedulable"):
            body["spec"]["unschedulable"] = True
            body["metadata"].setdefault("annotations", {})[CORDONED] = "true"

    _change(api, node, mark)


def let_in(api: KubernetesApi, node: str) -> None:
    """The node without the gate's marks."""

    def clear(body: Node) -> None:
        body["spec"]["taints"] = _others(body)
        if body["metadata"].get("annotations", {}).pop(CORDONED, None):
            body["spec"]["unschedulable"] = False

    _change(api, node, clear)


def fence(api: KubernetesApi, nodes: Collection[str]) -> None:
    """These nodes, and no others, are marked as those of a pool that is shut. A bad one keeps its own mark."""
    marks = {body["metadata"]["name"]: _mark(body) for body in api.list("v1", "Node")}
    for name, mark in marks.items():
        if name in nodes and not mark:
            _change(api, name, lambda body: None if _mark(body) else _taint(body, SHUT))
        elif mark == SHUT and name not in nodes:
            let_in(api, name)


def quarantined(api: KubernetesApi) -> list[str]:
    """Names of the nodes that were found bad and are kept out now, in alphabetical order."""
    return sorted(node["metadata"]["name"] for node in api.list("v1", "Node") if _mark(node) not in ("", SHUT))


def _mark(node: Node) -> str:
    """Value of the gate's taint; empty where the node has none."""
    return next((one.get("value") or "-" for one in node["spec"].get("taints") or () if one["key"] == QUARANTINE), "")


def _taint(node: Node, value: str) -> None:
    node["spec"]["taints"] = [*_others(node), {"key": QUARANTINE, "value": value, "effect": "NoSchedule"}]


def _others(node: Node) -> list[dict[str, Any]]:
    return [taint for taint in node["spec"].get("taints") or () if taint["key"] != QUARANTINE]


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
