"""No queues: one machine runs what its stack file says."""

from collections.abc import Sequence

from components.errors import Problem, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, SchedulerPlan
from components.spec.scheduler import SchedulerKind, SchedulerSpec


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """Nothing to install; UnsupportedError where queues are asked for."""
    if spec.queues:
        message = "the scheduler `process` has no queues; remove it, or run on a cluster"
        raise UnsupportedError([Problem(path="scheduler.queues", message=message)])
    return SchedulerPlan(kind=SchedulerKind.PROCESS, addons=(), queues=(), objects=())
