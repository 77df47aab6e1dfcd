"""Queues of TrainJobs."""

from collections.abc import Sequence

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, SchedulerPlan
from components.schedulers.kueue.plan import kueue_plan
from components.schedulers.queues import refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("jobset", "kueue", "kubeflow-trainer")


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """Kueue's queues, for the jobs of Kubeflow Trainer; SpecError for queues that cannot be."""
    refuse_forbidden(SchedulerKind.TRAINER, ADDONS, facts)
    return kueue_plan(SchedulerKind.TRAINER, ADDONS, spec, pools)
