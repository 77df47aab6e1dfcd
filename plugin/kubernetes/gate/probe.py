"""The volume on every node: a pod there mounts it, writes to it and reads it back."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from components.kubernetes.api import KubernetesApi
from plugin.kubernetes.cluster import Patience
from plugin.kubernetes.gate.pods import ended, last_word, mount_failure, never_starts, why_waiting
from plugin.kubernetes.gate.verdict import Check, CheckState, Subject

AT_ONCE = 64
"""Probes at a time: a file server is asked for no more mounts than that together."""

Node = tuple[str, str]
"""Pool and name."""


def probe(
    api: KubernetesApi, manifests: Mapping[str, Mapping[str, Any]], nodes: Sequence[Node], patience: Patience
) -> list[Check]:  # fmt: skip
    """One check a node, in the order of `nodes`, each by its pool's manifest.

    One that is not done when patience is over is unknown.
    """
    waiting, running, found = list(nodes), dict[Node, str](), dict[Node, Check]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            node = waiting.pop(0)
            running[node] = api.create(_pod(manifests[node[0]], node[1]))["metadata"]["name"]
        for node, name in list(running.items()):
            if check := _judged(api, manifests[node[0]], node, name, over=patience.over):
                found[node] = check
                del running[node]
        if patience.over:
            break
        if running:
            patience.step()
    late = "its turn to write to the volume had not come when the time was over"
    return [found.get(node) or _check(node, CheckState.UNKNOWN, late) for node in nodes]


def _judged(
    api: KubernetesApi, manifest: Mapping[str, Any], node: Node, name: str, *, over: bool
) -> Check | None:  # fmt: skip
    """The node's check; None while its pod may still end."""
    pod = api.get("v1", "Pod", name, manifest["metadata"]["namespace"])
    if pod is None:
        return _check(node, CheckState.UNKNOWN, "its probe was taken away by somebody else")
    if ended(pod):
        return _ended(node, pod)
    if broken := never_starts(pod):
        return _check(node, CheckState.UNKNOWN, f"the probe cannot start: {broken}")
    if not over:
        return None
    if failure := mount_failure(api, pod):
        return _check(node, CheckState.FAIL, f"the volume is not mounted: {failure}")
    return _check(node, CheckState.UNKNOWN, f"the probe did not end: {why_waiting(api, pod)}")


def _ended(node: Node, pod: Mapping[str, Any]) -> Check:
    said = last_word(pod).strip()
    if pod["status"]["phase"] == "Succeeded":
        return _check(node, CheckState.PASS, "writes to the volume")
    if said:
        return _check(node, CheckState.FAIL, said)
    return _check(node, CheckState.UNKNOWN, "the probe ended without a word")


def _pod(manifest: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The probe, for this node and no other. The scheduler places it: a volume may be bound only then."""
    body = copy.deepcopy(dict(manifest))
    mark = hashlib.sha256(node.encode()).hexdigest()[:10]
    body["metadata"] = {**body["metadata"], "name": f"{body['metadata']['name']}-{mark}"}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    body["spec"] = {**body["spec"], "affinity": {"nodeAffinity": required}}
    return body


def _check(node: Node, state: CheckState, reason: str) -> Check:
    return Check(subject=Subject.VOLUME, pool=node[0], node=node[1], state=state, reason=reason)
