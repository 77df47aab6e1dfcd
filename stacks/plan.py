"""From one stack's spec to all that it becomes: pure, without the engine."""

import re
from collections.abc import Mapping
from datetime import datetime

from components.errors import Problem, Problems
from components.plan.cluster import ClusterPlan
from components.plan.part import Decision
from components.plan.stack import StackPlan
from components.plan.work import JobPlan, ServicePlan
from components.spec.stack import StackSpec, stack_error
from providers import load
from stacks.kubernetes import Rendered, render
from workloads.plan.inference import plan_inference, service_warnings
from workloads.plan.sums import rolled, rollout_warnings, sum_problems
from workloads.plan.training import job_warnings, plan_training, pool_named

_STACK_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")


def plan_stack(spec: StackSpec, stack: str, now: datetime) -> StackPlan:
    """The plan of a stack as of `now`; SpecError with the problems of all its parts at once."""
    problems = Problems(_name_problems(stack))
    cluster = problems.collect(load(spec.cluster.cloud).plan, spec, stack, now)
    if cluster is None:
        raise stack_error(_name_told_once(problems), f"Pulumi.{stack}.yaml")
    job, decisions = _plan_training(spec, cluster, problems)
    service = _plan_inference(spec, cluster, job, problems)
    if cluster.kubernetes is not None:
        problems += sum_problems(job, service, cluster.node_pools, _held_by_slurm(spec, cluster))
    if problems:
        raise stack_error(problems, f"Pulumi.{stack}.yaml")
    if cluster.kubernetes is not None and service is not None:
        service, rollout = rolled(job, service, cluster.node_pools, _held_by_slurm(spec, cluster))
        decisions = (*decisions, *rollout)
    rendered = problems.collect(render, spec, cluster, job, service)
    if rendered is None:
        raise stack_error(problems, f"Pulumi.{stack}.yaml")
    return StackPlan(
        stack=stack,
        cluster=cluster,
        training=job,
        inference=service,
        decisions=decisions,
        warnings=_warnings(spec, cluster, rendered, job, service),
        job=rendered.job,
        service=rendered.service,
        inside=rendered.inside,
    )


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
    of_service = service_warnings(spec.inference, pods=pods) if spec.inference else ()
    of_rollout = rollout_warnings(service) if service else ()
    return tuple(
        dict.fromkeys((*spec.warnings, *cluster.warnings, *rendered.warnings, *of_job, *of_service, *of_rollout))
    )


def _plan_training(
    spec: StackSpec, cluster: ClusterPlan, problems: Problems
) -> tuple[JobPlan | None, tuple[Decision, ...]]:
    training = spec.training
    if not training:
        return None, ()
    pods = cluster.kubernetes is not None
    planned = problems.collect(plan_training, training, cluster.node_pools, cluster.volume, pods=pods)
    return planned or (None, ())


def _plan_inference(
    spec: StackSpec, cluster: ClusterPlan, job: JobPlan | None, problems: Problems
) -> ServicePlan | None:
    inference, pools = spec.inference, cluster.node_pools
    if not inference:
        return None
    if spec.training and not job:
        # The run that it would serve is refused: only what does not depend on it can be judged.
        problems.collect(pool_named, inference.pool, pools, "inference.pool")
        return None
    pods = cluster.kubernetes is not None
    return problems.collect(plan_inference, inference, pools, cluster.volume, job, pods=pods)
