"""The fabric of a pool: one job over its nodes, and the evidence that its pods leave."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.kubernetes.quantities import quantity
from plugin.kubernetes.cluster import Patience
from plugin.kubernetes.gate.pods import exit_code, last_word, never_starts, why_waiting
from plugin.kubernetes.gate.verdict import Check, CheckState, Subject, check_fabric

Pool = Mapping[str, Any]

PAIR = 2
"""Nodes without which there is nothing between nodes to measure."""


def fabric(api: KubernetesApi, pool: Pool, nodes: Sequence[str], patience: Patience) -> tuple[Check, ...]:
    """The pool's check, and one of each node that it names. `nodes` are those that are not kept out."""
    if taken := in_use(api, pool["devices"], nodes):
        return (_unknown(pool, f"devices are in use ({taken}), so that nothing could be measured"),)
    job = api.create(sized(pool["check"], min(pool["nodes"], len(nodes))))
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    while True:
        job = api.get("batch/v1", "Job", name, namespace) or {}
        pods = api.list("v1", "Pod", namespace, labels=f"batch.kubernetes.io/job-name={name}")
        messages = [word for pod in pods if (word := last_word(pod))]
        if _finished(job) or patience.over or not job:
            break
        if broken := next(filter(None, map(never_starts, pods)), ""):
            return (_unknown(pool, f"the check cannot start: {broken}"),)
        patience.step()
    if messages:
        return check_fabric(pool["pool"], messages, pool["floorGbps"], nodes)
    return (_unknown(pool, f"the check left no evidence: {_why(api, pods) or _ending(job)}"),)


def _why(api: KubernetesApi, pods: Sequence[Mapping[str, Any]]) -> str:
    """Of the first pod that tells something: why it waits, or how it ended."""
    for pod in pods:
        if pod.get("status", {}).get("phase") == "Pending":
            return why_waiting(api, pod)
        if (code := exit_code(pod)) is not None:
            return f"its pod on {pod['spec'].get('nodeName')} ended with {code} and left no word"
    return ""


def sized(check: Mapping[str, Any], nodes: int) -> dict[str, Any]:
    """The job for that many nodes (components/kubernetes/gate.py says which values tell how many there are)."""
    body = copy.deepcopy(dict(check))
    body["spec"] |= {"parallelism": nodes, "completions": nodes}
    command = body["spec"]["template"]["spec"]["containers"][0]["command"]
    command[-1] = str(nodes)
    return body


def in_use(api: KubernetesApi, devices: Mapping[str, int], nodes: Sequence[str]) -> str:
    """The first pod that has one of the devices on one of the nodes; empty where all are free."""
    for pod in api.list("v1", "Pod", fields="status.phase!=Succeeded,status.phase!=Failed") if devices else ():
        if pod["spec"].get("nodeName") in nodes and _asks(pod, devices):
            return f"by {pod['metadata']['namespace']}/{pod['metadata']['name']} on {pod['spec']['nodeName']}"
    return ""


def _asks(pod: Mapping[str, Any], devices: Mapping[str, int]) -> bool:
    limits = [container.get("resources", {}).get("limits") or {} for container in pod["spec"]["containers"]]
    return any(quantity(one[name]) > 0 for one in limits for name in devices if name in one)


def _finished(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def _ending(job: Mapping[str, Any]) -> str:
    for one in job.get("status", {}).get("conditions") or ():
        if one["type"] == "Failed":
            return str(one.get("message") or one.get("reason"))
    return "its pods ended without a word" if _finished(job) else "its pods did not end in time"


def _unknown(pool: Pool, reason: str) -> Check:
    return Check(subject=Subject.FABRIC, pool=pool["pool"], state=CheckState.UNKNOWN, reason=reason)
