"""The cluster's machines, and whether a pod could run on one of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from components.labels import POOL_LABEL
from rehearsal.field.pods import quantity

Body = Mapping[str, Any]
MACHINES = "penstock.dev/machines"
"""Annotation: which group of machines the node is one of, by the name that it was added under."""
MACHINE = "penstock.dev/machine"
DRIVER = "rehearsal.penstock.dev/driver"
BANDWIDTH, VOLUME = "rehearsal.penstock.dev/bandwidth", "rehearsal.penstock.dev/volume"
"""Annotations: the node's share of what its fabric should move, and why nothing can be written to a volume there."""
MODULES = "rehearsal.penstock.dev/modules"
"""Annotation: kernel modules that are in use there, with blanks between them."""


def node(
    name: str, pool: str, labels: Mapping[str, str], taints: Sequence[Mapping[str, str]],
    allocatable: Mapping[str, Any], modules: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """A Ready node of the pool."""
    told = [dict(labels), [dict(taint) for taint in taints], dict(allocatable), *modules]
    machine = json.dumps(told, sort_keys=True)
    capacity = {"cpu": "8", "memory": "32Gi", "pods": "110"} | {key: str(value) for key, value in allocatable.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, POOL_LABEL: pool, **labels},
            "annotations": {
                MACHINES: pool,
                MACHINE: hashlib.sha256(machine.encode()).hexdigest()[:16],
                MODULES: " ".join(modules),
            },
        },
        "spec": {"taints": [dict(taint) for taint in taints]} if taints else {},
        "status": {
            "capacity": capacity,
            "allocatable": dict(capacity),
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }


def machine_of(one: Body) -> str:
    """The digest of what it joined with, whatever it has been given since."""
    return str(one["metadata"]["annotations"][MACHINE])


def fitting(nodes: Iterable[Body], pod: Body) -> list[Body]:
    """The nodes that the pod (a PodSpec) could run on, were they empty."""
    return [one for one in nodes if not why_not(one, pod)]


def why_not(one: Body, pod: Body) -> str:
    """Reason why the pod cannot run there, "" where it can. Affinity is not looked at."""
    if one["spec"].get("unschedulable") or not _ready(one):
        return "node is not ready"
    labels = one["metadata"].get("labels") or {}
    wanted = pod.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return "node does not have the labels of nodeSelector"
    for taint in one["spec"].get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not _tolerated(taint, pod.get("tolerations") or ()):
            return f"untolerated taint {taint['key']}"
    offered = one["status"]["allocatable"]
    for resource, amount in requests(pod).items():
        if quantity(offered.get(resource, 0)) < amount:
            return f"insufficient {resource}"
    return ""


def _ready(one: Body) -> bool:
    conditions = one["status"].get("conditions") or ()
    return any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)


def _tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        row.get("effect") in (None, "", taint["effect"])
        and (
            (row.get("key") in (None, "", taint["key"]) and row.get("operator") == "Exists")
            or (row.get("key") == taint["key"] and (row.get("value") or "") == (taint.get("value") or ""))
        )
        for row in tolerations
    )


def requests(pod: Body) -> dict[str, Decimal]:
    """Sums of what the pod's containers ask."""
    total: dict[str, Decimal] = {}
    for container in pod.get("containers") or ():
        resources = container.get("resources") or {}
        for name, amount in {**(resources.get("limits") or {}), **(resources.get("requests") or {})}.items():
            total[name] = total.get(name, Decimal(0)) + quantity(amount)
    return total
