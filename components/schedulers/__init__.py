"""The schedulers: one folder each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, Manifest, SchedulerPlan
from components.plan.work import JobPlan, ServicePlan
from components.serving import render
from components.spec.scheduler import SchedulerKind, SchedulerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class GangScheduler:
    """Starts the gang: the SCHEDULER of components/schedulers/<kind>. All of it is pure."""

    plan: Callable[[SchedulerSpec, Sequence[NodePoolPlan], KubernetesFacts | None], SchedulerPlan]
    """The queues, as objects of the scheduler's own kinds; SpecError for queues that cannot be."""
    render_job: Callable[[JobPlan, NodePoolPlan, SchedulerPlan], tuple[Manifest, ...]]
    """The job as manifests, with all of the pool's binding in its pods; SpecError for what it cannot run."""
    placement_warnings: Callable[[JobPlan, NodePoolPlan], Iterable[str]] = lambda _job, _pool: ()
    """Conditions on which the gang's nodes are near each other. None for a job that asks for no nearness."""
    render_service: Callable[[ServicePlan, NodePoolPlan], tuple[Manifest, ...]] = render.render_service
    """The service as manifests: on a Kubernetes the same for all."""


def load(kind: SchedulerKind) -> GangScheduler:
    """The scheduler of that folder."""
    found = import_module(f"components.schedulers.{kind.value}").SCHEDULER
    assert isinstance(found, GangScheduler)
    return found
