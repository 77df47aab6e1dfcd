"""Scaling: nothing grows unless something is there that grows it. Served: no object does anything by itself."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rehearsal.field.autoscalers import faults, why_not_grown
from rehearsal.field.deployed import Deployment, Finding, MachinePool, at, every
from rehearsal.field.facts import ServedRow
from rehearsal.field.pods import HASH, pods_of, requests, why_elsewhere

MOST = ("spec.maxReplicaCount", "spec.maxReplicas")
UNCOUNTED = 1000
"""Pods a node, where their devices do not limit them."""
AUTOSCALER = "Kubernetes, Node Autoscaling: a provider's node group does not scale itself for pending pods"

VOLCANO = (
    "volcano-sh/volcano 1.14, plugins proportion and capacity: a queue can have no more than the nodes there are "
    "(realCapability); a gang beyond that is not let in, and its pods are not made"
)


def scaling(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each pool that waits for growth that does not come, and for pods beyond what pools hold."""
    yield from faults(deployment)
    grown: dict[str, bool] = {}
    for pool in deployment.pools:
        why = why_not_grown(deployment, pool)
        grown[pool.name] = not why
        if pool.desired < pool.maximum and why:
            what = "stays empty" if pool.desired == 0 else f"stays at {pool.desired}"
            message = f"{pool.name} may have {pool.maximum} nodes and {what}: {why}; give it a fixed size"
            yield Finding(rule="scaling", subject=f"pool {pool.name}", message=message, source=AUTOSCALER)
    for pool in deployment.pools:
        if grown[pool.name] and pool.minimum < pool.maximum:
            yield from _never_let_in(deployment, pool)
    for subject, size, spec in _scaled(deployment):
        pools = [pool for pool in deployment.pools if not why_elsewhere(pool, spec)]
        room = sum(_held(pool, spec, grown=grown[pool.name]) for pool in pools)
        if pools and room < size:
            limit = "can have" if any(grown[pool.name] for pool in pools) else "has, as nothing grows them,"
            message = f"asks for up to {size} pods, and {', '.join(p.name for p in pools)} {limit} room for {room}"
            yield Finding(rule="scaling", subject=subject, message=message, source=AUTOSCALER)


def _never_let_in(deployment: Deployment, pool: MachinePool) -> Iterator[Finding]:
    """A finding for each of Volcano's gangs that needs nodes which only pods of its own would bring."""
    for body in deployment.objects:
        if not str(body.get("apiVersion")).startswith("batch.volcano.sh/"):
            continue
        least = int(at(body, "spec.minAvailable") or 0)
        for pod in pods_of(body):
            there = _per_node(pool, pod.spec) * pool.minimum
            if not why_elsewhere(pool, pod.spec) and there < least:
                message = f"needs {least} pods at once, and {pool.name} may shrink to room for {there}: none is made"
                yield Finding(rule="scaling", subject=pod.subject, message=message, source=VOLCANO)


def served(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each kind of objects that is made and that nothing acts on."""
    for row in deployment.facts.served:
        made = [body for body in deployment.objects if body.get("kind") == row.kind]
        charts = [chart for chart in deployment.charts if chart.chart == row.chart]
        if made and charts and not any(_is_on(at(chart.values, row.switch)) for chart in charts):
            message = f"{row.kind} is made, and {row.chart} has no {row.switch}: {row.effect}"
            yield Finding(rule="served", subject=row.kind, message=message, source=row.source)
        elif charts and row.names:
            yield from _named(row, made)


def _named(row: ServedRow, made: list[Mapping[str, Any]]) -> Iterator[Finding]:
    for body in made:
        for value in every(body, row.names):
            if isinstance(value, str):
                message = f"{body['metadata']['name']} names {value!r} at {row.names}, which {row.chart} does not find"
                yield Finding(rule="served", subject=row.kind, message=message, source=row.names_source)


def _is_on(value: object) -> bool:
    return str(value).lower() == "true"


def _scaled(deployment: Deployment) -> Iterator[tuple[str, int, dict[str, object]]]:
    """Workloads that are scaled, with the most pods that they may have."""
    specs = {
        (str(body.get("kind")), str(at(body, "metadata.name"))): dict(pod.spec)
        for body in deployment.objects
        for pod in pods_of(body)
    }
    for body in deployment.objects:
        target = at(body, "spec.scaleTargetRef")
        most = next((one for path in MOST for one in every(body, path)), None)
        if target is None or most is None:
            continue
        spec = specs.get((str(target.get("kind", "Deployment")), str(target["name"])))
        if spec:
            yield f"{body['kind']} {HASH.sub('', body['metadata']['name'])}", int(most), spec


def _held(pool: MachinePool, spec: dict[str, object], *, grown: bool) -> int:
    """Pods of the kind that the pool has room for by their devices."""
    return (pool.maximum if grown or pool.resized_by else pool.desired) * _per_node(pool, spec)


def _per_node(pool: MachinePool, spec: Mapping[str, Any]) -> int:
    asked = requests(spec)
    per_node = [int(Decimal(count) / asked[name]) for name, count in pool.devices.items() if count and asked.get(name)]
    if not per_node:  # by a node's cpu and memory, which allocatable judges
        return UNCOUNTED
    return min(per_node)
