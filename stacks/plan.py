"""From one stack's spec to all that it becomes: pure, without the engine."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from components.errors import Problem, Problems, SpecError
from components.plan.cluster import ClusterPlan, NodePoolPlan, RefusedClusterError
from components.plan.part import Decision
from components.plan.stack import StackPlan
from components.plan.work import JobPlan, ServicePlan
from components.platform.refusals import name_problems
from components.spec.rest import BUDGET, is_under
from components.spec.scheduler import SchedulerKind
from components.spec.stack import FormError, StackSpec, stack_error
from providers import discover, load
from stacks.images import image_warnings, planned_images, registry_problems
from stacks.kubernetes import Rendered, render
from workloads.plan.inference import plan_inference, service_warnings, unplaced_service
from workloads.plan.sums import rolled, rollout_warnings, sum_problems
from workloads.plan.training import job_warnings, plan_training, unplaced_run

_STACK_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")


def plan_read(read: Callable[[], StackSpec], stack: str, now: datetime) -> StackPlan:
    """The plan of the stack file that `read` gives, and of what its place tells. Problems of the file's form are told
    with all others that show without what is wrong there. Of what has no place at all, the form is not looked at.
    """
    try:
        spec = read()
    except FormError as error:
        others = Problems()
        others.collect(plan_stack, _discovered(error.rest), stack, now)
        others[:] = (problem for problem in others if not _is_of_defaults(problem, error.rest))
        told, kept = {problem.path for problem in others}, error.rest.stood_in - {BUDGET}
        own = (one for one in error.problems if is_under(one.path, kept) or not is_under(one.path, told))
        raise stack_error((*own, *others), error.source) from None
    return plan_stack(discover(spec), stack, now)


def plan_stack(spec: StackSpec, stack: str, now: datetime) -> StackPlan:
    """The plan of a stack as of `now`; SpecError with the problems of all its parts at once."""
    source = f"Pulumi.{stack}.yaml"
    problems = Problems(_name_problems(stack))
    cluster = _plan_cluster(spec, stack, now, problems)
    if cluster is None:
        raise stack_error(_name_told_once([*problems, *_unplaced(spec, problems)]), source)
    job, decisions = _plan_training(spec, cluster, problems)
    service = _plan_inference(spec, cluster, job, problems)
    if cluster.kubernetes is not None and "scheduler" not in spec.wrong:
        too_much = list(sum_problems(job, service, cluster.node_pools, _held_by_slurm(spec, cluster)))
        problems += too_much
        service = None if too_much else service
    if cluster.kubernetes is not None and service is not None and not problems:
        service, rollout = rolled(job, service, cluster.node_pools, _held_by_slurm(spec, cluster))
        decisions = (*decisions, *rollout)
    problems += registry_problems(spec, job, registry=_keeps_images(spec))
    rendered = problems.collect(render, spec, cluster, job, service)
    if problems or rendered is None or spec.refused:
        raise stack_error(_name_told_once(problems), source)
    gated = rendered.inside is not None and rendered.inside.gate is not None
    images = planned_images(spec, cluster, job, service, rendered.inside)
    return StackPlan(
        stack=stack,
        cluster=replace(cluster, sized_by_gate=gated),
        training=job,
        inference=service,
        decisions=decisions,
        warnings=(*_warnings(spec, cluster, rendered, job, service), *image_warnings(spec, images)),
        images=images,
        job=rendered.job,
        service=rendered.service,
        inside=rendered.inside,
    )


def _discovered(rest: StackSpec) -> StackSpec:
    """The rest of a stack file, with what its place tells where the file says well enough which place."""
    return rest if _is_without_place(rest) else discover(rest)


def _is_of_defaults(problem: Problem, rest: StackSpec) -> bool:
    """True for a problem of what nobody has written, as what the file says of it has the wrong form."""
    nobodys = "storage" in rest.wrong and problem.path.partition(".")[0] == "storage"
    return nobodys or is_under(problem.path, rest.stood_in - {BUDGET})


def _is_without_place(spec: StackSpec) -> bool:
    """True where the cluster or its cloud's own key are left out for their form."""
    return "cluster" in spec.wrong or spec.cluster.cloud in spec.wrong


def _takes_pods(spec: StackSpec) -> bool:
    """True where jobs are pods or machines of a cluster, and not processes of one machine."""
    return load(spec.cluster.cloud).catalog().capabilities.schedulers != (SchedulerKind.PROCESS,)


def _keeps_images(spec: StackSpec) -> bool:
    """True where the cloud has a registry for the stack."""
    return load(spec.cluster.cloud).catalog().capabilities.registry


def _plan_cluster(spec: StackSpec, stack: str, now: datetime, problems: Problems) -> ClusterPlan | None:
    """The cluster, or None where nothing can stand on it. One whose size add-ons change is not judged without them."""
    if _is_without_place(spec) or ("platform" in spec.wrong and _takes_pods(spec)):
        return None
    try:
        cluster: ClusterPlan = load(spec.cluster.cloud).plan(spec, stack, now)
    except RefusedClusterError as error:
        problems += error.problems
        return error.cluster
    except SpecError as error:
        problems += error.problems
        return None
    return cluster


def _unplaced(spec: StackSpec, problems: Sequence[Problem]) -> Iterator[Problem]:
    """Problems of workloads and add-ons that show without a cluster, where they are not refused as a whole."""
    if spec.platform.addons and "platform" not in {problem.path.partition(".")[0] for problem in problems}:
        yield from name_problems(spec.platform)
    if "cluster" in spec.wrong:
        return
    pods, pools = _takes_pods(spec), [pool.name for pool in spec.cluster.node_pools]
    if not pods and len(pools) > 1:
        return  # the one that a workload is on may be the one that goes
    if spec.training and not _is_refused("training", problems):
        yield from unplaced_run(spec.training, pools, pods=pods, registry=_keeps_images(spec))
    if spec.inference and not _is_refused("inference", problems):
        yield from unplaced_service(
            spec.inference, pools, pods=pods, trains=_trains(spec), registry=_keeps_images(spec)
        )


def _trains(spec: StackSpec) -> bool:
    return spec.training is not None or "training" in spec.wrong


def _named(spec: StackSpec, cluster: ClusterPlan) -> tuple[NodePoolPlan, ...]:
    """The pools of the stack file, which workloads name: a fallback's machines take the pods of its pool."""
    names = {pool.name for pool in spec.cluster.node_pools}
    return tuple(pool for pool in cluster.node_pools if pool.name in names)


def _held_by_slurm(spec: StackSpec, cluster: ClusterPlan) -> Mapping[str, int] | None:
    """Nodes of each pool that Slurm's own pods take, all where no queue says how many; None under another scheduler."""
    if cluster.scheduler != "slurm":
        return None
    written = [queue.nodes for queue in spec.scheduler.queues if queue.nodes is not None]
    if len(written) < len(spec.scheduler.queues) or not written:
        return {pool.name: pool.node_count for pool in cluster.node_pools}
    return {pool.name: sum(nodes.get(pool.name, 0) for nodes in written) for pool in cluster.node_pools}


def _name_problems(stack: str) -> list[Problem]:
    """Problems of a stack's name. Source: sdk/go/common/tokens/stack_name.go of 3.259."""
    if _STACK_NAME.fullmatch(stack):
        return []
    what = "is not a name that Pulumi takes for a stack: 100 letters, digits, -, _ and . at most, no dash first"
    return [Problem(path="stack", message=f"{stack!r} {what}; rename the file")]


def _name_told_once(problems: list[Problem]) -> list[Problem]:
    """Pulumi's rule comes before a cloud's, and that before one of its services'."""
    first = next((problem for problem in problems if problem.path == "stack"), None)
    return [problem for problem in problems if problem.path != "stack" or problem is first]


def _warnings(
    spec: StackSpec, cluster: ClusterPlan, rendered: Rendered, job: JobPlan | None, service: ServicePlan | None
) -> tuple[str, ...]:
    """Those of every part, each once."""
    of_job = job_warnings(job, cluster.node_pools) if job else ()
    pods = cluster.kubernetes is not None
    serves = next((pool for pool in cluster.node_pools if service and pool.name == service.pool), None)
    of_service = service_warnings(spec.inference, serves, pods=pods) if spec.inference else ()
    of_rollout = rollout_warnings(service) if service else ()
    return tuple(
        dict.fromkeys((*spec.warnings, *cluster.warnings, *rendered.warnings, *of_job, *of_service, *of_rollout))
    )


def _plan_training(
    spec: StackSpec, cluster: ClusterPlan, problems: Problems
) -> tuple[JobPlan | None, tuple[Decision, ...]]:
    training = spec.training
    if not training or _is_refused("training", problems):
        return None, ()
    pods, registry = cluster.kubernetes is not None, _keeps_images(spec)
    planned = problems.collect(
        plan_training, training, _named(spec, cluster), cluster.volume, pods=pods, registry=registry
    )
    return planned or (None, ())


def _plan_inference(
    spec: StackSpec, cluster: ClusterPlan, job: JobPlan | None, problems: Problems
) -> ServicePlan | None:
    """The service. None too where the run is refused whose model it would have, which is then judged without that."""
    inference, pods = spec.inference, cluster.kubernetes is not None
    if not inference or _is_refused("inference", problems):
        return None
    trains = _trains(spec)
    pools, registry = _named(spec, cluster), _keeps_images(spec)
    service = problems.collect(
        plan_inference, inference, pools, cluster.volume, job, pods=pods, trains=trains, registry=registry
    )
    return service if job or not trains else None


def _is_refused(section: str, problems: Sequence[Problem]) -> bool:
    """True where the cloud has no place for the section as a whole."""
    return any(problem.path == section for problem in problems)
