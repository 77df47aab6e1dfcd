"""What runs inside a cluster: its scheduler, its platform, its gate, and the workloads as manifests. Pure."""

from dataclasses import dataclass

from components.plan.kubernetes import InsidePlan, Manifest, SchedulerPlan
from components.plan.types import ClusterPlan, JobPlan, NodePoolPlan, ServicePlan
from components.provider import Scheduler
from components.schedulers import load
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A stack's workloads as its scheduler takes them, and what they stand on."""

    job: tuple[Manifest, ...] = ()
    service: tuple[Manifest, ...] = ()
    inside: InsidePlan | None = None


def render(spec: StackSpec, cluster: ClusterPlan, job: JobPlan | None, service: ServicePlan | None) -> Rendered:
    """Everything inside the cluster; SpecError with all that cannot be."""
    if not cluster.scheduler or cluster.kubernetes:
        return Rendered()
    scheduler = load(SchedulerKind(cluster.scheduler))
    plan = scheduler.plan(spec.scheduler, cluster.node_pools, cluster.kubernetes)
    return Rendered(job=_job(scheduler, plan, job, cluster), service=_service(scheduler, service, cluster))


def _job(scheduler: Scheduler, plan: SchedulerPlan, job: JobPlan | None, cluster: ClusterPlan) -> tuple[Manifest, ...]:
    return scheduler.render_job(job, _pool(cluster, job.pool), plan) if job else ()


def _service(scheduler: Scheduler, service: ServicePlan | None, cluster: ClusterPlan) -> tuple[Manifest, ...]:
    return scheduler.render_service(service, _pool(cluster, service.pool)) if service else ()


def _pool(cluster: ClusterPlan, name: str) -> NodePoolPlan:
    return next(pool for pool in cluster.node_pools if pool.name == name)
