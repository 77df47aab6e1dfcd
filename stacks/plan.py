"""From one stack's spec to all that it becomes: pure, without the engine."""

from components.errors import Problem, SpecError, attempt
from components.plan.types import ClusterPlan, Decision, JobPlan, NodePoolPlan, ServicePlan, StackPlan
from components.spec.stack import StackSpec
from providers import load
from stacks.inside import render
from workloads.jobs import plan_inference, plan_training, pool_named


def plan_stack(spec: StackSpec, stack: str) -> StackPlan:
    """The plan of a stack; SpecError with the mistakes of all its parts at once."""
    problems: list[Problem] = []
    cluster = attempt(problems, lambda: load(spec.cluster.cloud).plan(spec, stack))
    if cluster is None:
        raise SpecError(problems, f"Pulumi.{stack}.yaml")
    job, decisions = _plan_training(spec, cluster, problems)
    service = _plan_inference(spec, cluster, job, problems)
    if problems:
        raise SpecError(problems, f"Pulumi.{stack}.yaml")
    rendered = attempt(problems, lambda: render(spec, cluster, job, service))
    if rendered is None:
        raise SpecError(problems, f"Pulumi.{stack}.yaml")
    return StackPlan(
        stack=stack,
        cluster=cluster,
        training=job,
        inference=service,
        decisions=decisions,
        warnings=(*cluster.warnings, *_warnings(job, cluster.node_pools)),
        job=rendered.job,
        service=rendered.service,
        inside=rendered.inside,
    )


def _plan_training(
    spec: StackSpec, cluster: ClusterPlan, problems: list[Problem]
) -> tuple[JobPlan | None, tuple[Decision, ...]]:
    training = spec.training
    if not training:
        return None, ()
    planned = attempt(problems, lambda: plan_training(training, cluster.node_pools, cluster.volume))
    return planned or (None, ())


def _plan_inference(
    spec: StackSpec, cluster: ClusterPlan, job: JobPlan | None, problems: list[Problem]
) -> ServicePlan | None:
    inference, pools = spec.inference, cluster.node_pools
    if not inference:
        return None
    if spec.training and not job:
        # The run that it would serve is refused: only what does not depend on it can be judged.
        attempt(problems, lambda: pool_named(inference.pool, pools, "inference.pool"))
        return None
    return attempt(problems, lambda: plan_inference(inference, pools, cluster.volume, job))


def _warnings(job: JobPlan | None, pools: tuple[NodePoolPlan, ...]) -> list[str]:
    if job is None:
        return []
    machine = next(pool.machine for pool in pools if pool.name == job.pool)
    if machine.accelerator_count or job.ranks_per_node <= machine.cores:
        return []
    share = f"{job.ranks_per_node} ranks share {machine.cores} cores"
    return [f"training.ranksPerNode: {share}: each is slower than one per core would be"]
