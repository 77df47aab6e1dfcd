"""Topology: Kueue places only on nodes that carry every level; and a queue that counts quota alone counts no nodes."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import yaml

from rehearsal.field.deployed import Deployment, Finding, MachinePool, at, every
from rehearsal.field.reading import AUTOSCALER

KUBELET = frozenset({"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os"})
"""Labels that each kubelet puts on its own node (kubernetes.io, "Well-Known Labels, Annotations and Taints")."""

LEVELS = "Kueue, Topology Aware Scheduling: a node without the label of each level is not considered"
QUOTA = "Kueue, Topology Aware Scheduling: without it only quota is counted, whether nodes are there or not"
REQUEUE = "Kueue, All-or-nothing with ready Pods: backoffMaxSeconds is 3600 unless it is set"
MOST_WAIT_S = 300


def topology(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each level that nodes do not have, and for each pool without nodes that jobs are let onto."""
    levels = {
        str(at(body, "metadata.name")): tuple(every(body, "spec.levels.nodeLabel"))
        for body in _of(deployment, "Topology")
    }
    for flavor in _of(deployment, "ResourceFlavor"):
        name = str(at(flavor, "spec.topologyName") or "")
        for pool in _pools(deployment, flavor):
            if name:
                yield from _missing(deployment, pool, levels.get(name, ()))
            elif pool.desired == 0 and set(pool.resized_by) - {AUTOSCALER}:
                message = (
                    f"{pool.name} has no nodes yet, and its queue counts quota alone: jobs are let in, their pods stay "
                    "pending, and the gang is put back again and again"
                )
                yield Finding(rule="topology", subject=f"pool {pool.name}", message=message, source=QUOTA)
    yield from _requeue(deployment)


def _missing(deployment: Deployment, pool: MachinePool, levels: tuple[str, ...]) -> Iterator[Finding]:
    rows = [row for row in deployment.facts.node_labels if fnmatchcase(pool.machine_type, row.pattern)]
    if pool.told is None and not rows:
        return  # nothing is published of what such nodes carry
    known = KUBELET | set(pool.labels) | {key for row in rows[:1] for key in row.keys}
    if lacking := [key for key in levels if key not in known]:
        message = (
            f"nodes of {pool.name} ({pool.machine_type}) have no label {', '.join(lacking)}: no gang is ever admitted"
        )
        source = f"{LEVELS}; {rows[0].source}" if rows else LEVELS
        yield Finding(rule="topology", subject=f"pool {pool.name}", message=message, source=source)


def _requeue(deployment: Deployment) -> Iterator[Finding]:
    for chart in deployment.charts:
        text = at(chart.values, "managerConfig.controllerManagerConfigYaml")
        wait = at(yaml.safe_load(str(text)), "waitForPodsReady") if chart.chart == "kueue" and text else None
        if wait is None:
            continue
        most_s = at(wait, "requeuingStrategy.backoffMaxSeconds")
        if (3600 if most_s is None else int(most_s)) > MOST_WAIT_S:
            message = f"a gang that was put back waits up to {most_s or 3600} s while its nodes are there and paid for"
            yield Finding(rule="topology", subject="requeue of gangs", message=message, source=REQUEUE)


def _pools(deployment: Deployment, flavor: Mapping[str, Any]) -> Iterator[MachinePool]:
    wanted: Mapping[str, str] = at(flavor, "spec.nodeLabels") or {}
    for pool in deployment.pools:
        if wanted and all(pool.labels.get(key) == value for key, value in wanted.items()):
            yield pool


def _of(deployment: Deployment, kind: str) -> Iterator[Mapping[str, Any]]:
    """Kueue's objects of the kind."""
    for body in deployment.objects:
        if body.get("kind") == kind and str(body.get("apiVersion")).startswith("kueue."):
            yield body
