"""Plans the inside of a cluster: its scheduler, its platform, its gate, and the workloads as manifests. Pure."""

from dataclasses import dataclass

from components.errors import Problems, SpecError
from components.kubernetes.gate import gate_warnings, plan_gate
from components.plan.cluster import ClusterPlan, NodePoolPlan
from components.plan.kubernetes import InsidePlan, KubernetesFacts, Manifest, SchedulerPlan
from components.plan.work import JobPlan, ServicePlan
from components.platform.plan import plan_platform
from components.platform.request import PlatformRequest
from components.pods.prepare import preparation
from components.schedulers import GangScheduler, load
from components.schedulers.slurm.plan import refuse_held
from components.serving.entry import entry_problems, entry_warnings, with_entry
from components.spec.inference import EngineKind
from components.spec.scheduler import SchedulerKind
from components.spec.stack import StackSpec
from components.spec.training import TrainerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A stack's workloads as its scheduler takes them, and what they stand on."""

    job: tuple[Manifest, ...] = ()
    service: tuple[Manifest, ...] = ()
    inside: InsidePlan | None = None
    warnings: tuple[str, ...] = ()
    """Of the scheduler, the platform and the gate."""


def render(spec: StackSpec, cluster: ClusterPlan, job: JobPlan | None, service: ServicePlan | None) -> Rendered:
    """Everything inside the cluster; SpecError with all that cannot be."""
    if not cluster.scheduler:
        return Rendered()
    problems = Problems()
    scheduler = load(SchedulerKind(cluster.scheduler))
    plan = None
    if spec.inference and cluster.kubernetes:
        problems += entry_problems(spec.inference.route, cluster.kubernetes)
    if service and cluster.kubernetes and not problems:
        service = with_entry(service, cluster.kubernetes)
    if "scheduler" not in spec.wrong:
        plan = problems.collect(scheduler.plan, spec.scheduler, cluster.node_pools, cluster.kubernetes)
    inside = problems.collect(_inside, spec, cluster, cluster.kubernetes, plan, service)
    gang = problems.collect(_with_text, scheduler, job, _pool(cluster, job.pool), plan) if job and plan else ()
    near = scheduler.placement_warnings(job, _pool(cluster, job.pool)) if job else ()
    if service and plan and plan.kind is SchedulerKind.SLURM:
        problems.collect(refuse_held, service, _pool(cluster, service.pool), plan)
    servers = problems.collect(scheduler.render_service, service, _pool(cluster, service.pool)) if service else ()
    if problems:
        raise SpecError(problems)
    open_to = entry_warnings(service) if service else ()
    warnings = (
        *(plan.warnings if plan else ()),
        *near,
        *open_to,
        *(_warnings(spec, cluster, inside) if inside else ()),
    )
    return Rendered(job=gang or (), service=servers or (), inside=inside, warnings=warnings)


def _with_text(scheduler: GangScheduler, job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's objects behind those that prepare its text."""
    return (*preparation(job), *scheduler.render_job(job, pool, plan))


def _inside(
    spec: StackSpec,
    cluster: ClusterPlan,
    facts: KubernetesFacts | None,
    scheduler: SchedulerPlan | None,
    service: ServicePlan | None,
) -> InsidePlan | None:
    """None where the cluster is no Kubernetes, or its scheduler has been refused, without which the platform is judged
    as if it needed nothing."""
    if facts is None:
        return None
    request = PlatformRequest(
        facts=facts,
        spec=spec.platform,
        pools=cluster.node_pools,
        scheduler_addons=scheduler.addons if scheduler else (),
        queues_have_nodes=any(queue.nodes for queue in spec.scheduler.queues),
        start_timeout_s=spec.scheduler.start_timeout_s,
        service=service,
    )
    platform, gate = plan_platform(request), plan_gate(spec.platform, cluster, _image(spec))
    if scheduler is None:
        return None
    balances = service is not None and service.entry is not None
    return InsidePlan(facts=facts, platform=platform, scheduler=scheduler, gate=gate, balances=balances)


def _warnings(spec: StackSpec, cluster: ClusterPlan, inside: InsidePlan) -> tuple[str, ...]:
    return (*inside.platform.warnings, *gate_warnings(spec.platform, inside.gate, cluster.node_pools))


def _image(spec: StackSpec) -> str:
    """One that holds penstock's workloads, the fabric check among them."""
    training, serving = spec.training, spec.inference
    asked = (
        training.image if training and training.engine is TrainerKind.PENSTOCK else None,
        serving.image if serving and serving.engine is EngineKind.PENSTOCK else None,
    )
    return next(filter(None, asked), "")


def _pool(cluster: ClusterPlan, name: str) -> NodePoolPlan:
    return next(pool for pool in cluster.node_pools if pool.name == name)
