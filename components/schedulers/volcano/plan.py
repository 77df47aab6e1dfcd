"""Queues as Volcano has them: shares of the cluster, made when the acceptance gate has passed."""

from collections.abc import Mapping, Sequence

from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, KubernetesFacts, Manifest, QueuePlan, SchedulerPlan
from components.schedulers.priorities import priority_classes
from components.schedulers.quantities import capacity
from components.schedulers.queues import plan_queues, reach, refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("volcano",)


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """A queue for each that is asked for; SpecError with every reason why they cannot be.

    A queue that is not there takes no job: Volcano has no other way to make one that is closed.
    """
    refuse_forbidden(SchedulerKind.VOLCANO, ADDONS, facts)
    queues = plan_queues(spec, pools)
    return SchedulerPlan(
        kind=SchedulerKind.VOLCANO,
        addons=ADDONS,
        queues=queues,
        objects=priority_classes(),
        opening=tuple(_queue(queue, queues, pools) for queue in queues),
    )


def queue_name(queue: QueuePlan) -> str:
    """Of the cluster-wide object."""
    return f"{NAMESPACE}-{queue.name}"


def _queue(queue: QueuePlan, queues: Sequence[QueuePlan], pools: Sequence[NodePoolPlan]) -> Manifest:
    """A queue gets its own share back from others that have borrowed it; its limit is the most it can ever have.

    Volcano counts resources of the whole cluster, not of a pool: two pools with the same devices are one share to it.
    """
    most: Mapping[str, int] = {pool.name: reach(queue, queues, pool.name) for pool in pools}
    spec = {
        "weight": queue.weight,
        "reclaimable": True,
        "deserved": capacity(pools, queue.nodes),
        "capability": capacity(pools, most),
    }
    metadata = {"name": queue_name(queue), "labels": dict(OWN_LABELS)}
    return {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": metadata, "spec": spec}
