"""Queues of MPIJobs."""

from collections.abc import Sequence

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, SchedulerPlan
from components.schedulers.kueue.plan import kueue_plan
from components.schedulers.queues import refuse_forbidden
from components.spec.scheduler import SchedulerKind, SchedulerSpec

ADDONS = ("kueue", "mpi-operator")


def plan(spec: SchedulerSpec, pools: Sequence[NodePoolPlan], facts: KubernetesFacts | None) -> SchedulerPlan:
    """Kueue's queues, for the jobs of the MPI operator; SpecError for queues that cannot be."""
    refuse_forbidden(SchedulerKind.MPI, ADDONS, facts)
    return kueue_plan(SchedulerKind.MPI, ADDONS, spec, pools)
