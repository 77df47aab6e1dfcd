"""Queues as KAI has them: shares of accelerators, cores and memory, made when the acceptance gate has passed."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, KubernetesFacts, Manifest, QueuePlan, SchedulerPlan
from components.schedulers.kueue.topology import topology_name
from components.schedulers.priorities import priority_classes
from components.schedulers.queues import plan_queues, reach, refuse_forbidden
from components.schedulers.topology import HOST, domains
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("jobset", "kai-scheduler")
PARENT = NAMESPACE
MEGABYTE = 10**6
"""KAI's unit of memory; its unit of cores is a thousandth."""


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """A queue for each that is asked for, under one parent; SpecError with every reason why they cannot be.

    A queue that is not there takes no job: KAI has no closed ones.
    """
    refuse_forbidden(SchedulerKind.KAI, ADDONS, facts)
    queues = plan_queues(spec, pools)
    everything = {pool.name: pool.max_count for pool in pools}
    parent = _queue(PARENT, _shares(pools, everything, everything, 1))
    return SchedulerPlan(
        kind=SchedulerKind.KAI,
        addons=ADDONS,
        queues=queues,
        objects=(*priority_classes(), *topologies(pools)),
        opening=(parent, *(_leaf(queue, queues, pools) for queue in queues)),
    )


def levels(pool: NodePoolPlan) -> tuple[str, ...]:
    """Labels from the widest domain to the single node; none where nodes have no topology labels."""
    return (*domains(pool), HOST) if domains(pool) else ()


def queue_name(queue: QueuePlan) -> str:
    """Of the cluster-wide object."""
    return f"{NAMESPACE}-{queue.name}"


def topologies(pools: Iterable[NodePoolPlan]) -> tuple[Manifest, ...]:
    """One for each list of levels that any pool has."""
    return tuple(
        {
            "apiVersion": "kai.scheduler/v1alpha1",
            "kind": "Topology",
            "metadata": {"name": topology_name(keys), "labels": OWN_LABELS},
            "spec": {"levels": [{"nodeLabel": key} for key in keys]},
        }
        for keys in dict.fromkeys(levels(pool) for pool in pools)
        if keys
    )


def _leaf(queue: QueuePlan, queues: Sequence[QueuePlan], pools: Sequence[NodePoolPlan]) -> Manifest:
    most = {pool.name: reach(queue, queues, pool.name) for pool in pools}
    return _queue(queue_name(queue), {"parentQueue": PARENT, **_shares(pools, queue.nodes, most, queue.weight)})


def _queue(name: str, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "scheduling.run.ai/v2",
        "kind": "Queue",
        "metadata": {"name": name, "labels": OWN_LABELS},
        "spec": spec,
    }


def _shares(pools: Sequence[NodePoolPlan], own: Any, most: Any, weight: int) -> dict[str, Any]:
    """KAI counts the whole cluster's accelerators, not a pool's."""

    def share(amounts: dict[str, float]) -> dict[str, Any]:
        quota, limit = (sum(amounts[pool.name] * nodes[pool.name] for pool in pools) for nodes in (own, most))
        return {"quota": quota, "limit": limit, "overQuotaWeight": weight}

    return {
        "resources": {
            "gpu": share({pool.name: pool.machine.accelerator_count for pool in pools}),
            "cpu": share({pool.name: pool.room.cores * 1000 for pool in pools}),
            "memory": share({pool.name: math.ceil(pool.room.memory_gib * 2**30 / MEGABYTE) for pool in pools}),
        }
    }
