"""Queues as Volcano has them: shares of the cluster, made when the acceptance gate has passed."""

from collections.abc import Iterable, Mapping, Sequence

from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, KubernetesFacts, Manifest, QueuePlan, SchedulerPlan
from components.schedulers.priorities import priority_classes
from components.schedulers.quantities import capacity
from components.schedulers.queues import plan_queues, reach, refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("volcano",)

SOFT_AT_MOST = 256
"""Nodes of a gang that is placed as close as it comes. Volcano 1.14 places 256 at 3 s of processor, 512 at 29 s where
6 s are enough without its soft mode, and had not placed 1,024 after five minutes (docs/benchmarks.md)."""


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
        warnings=tuple(_warnings(pools)),
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


def _warnings(pools: Sequence[NodePoolPlan]) -> Iterable[str]:
    for pool in pools:
        if pool.binding.topology_keys:
            yield (
                f"cluster.nodePools.{pool.name}: Volcano places by topology only where its controller finds HyperNodes "
                "from these labels, narrowest first: " + ", ".join(reversed(pool.binding.topology_keys))
            )
            if pool.max_count > SOFT_AT_MOST:
                yield (
                    f"cluster.nodePools.{pool.name}: Volcano places a gang of more than {SOFT_AT_MOST} nodes without "
                    "regard to topology unless that is required, as its search takes minutes then; Kueue's does not"
                )
