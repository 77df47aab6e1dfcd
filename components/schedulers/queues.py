"""Queues of any cluster, whatever scheduler serves them: shares of the pools."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from components.errors import Problem, SpecError, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import KubernetesFacts, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.spec.explain import suggestion
from components.spec.scheduler import QueueSpec, SchedulerKind, SchedulerSpec

DEFAULT_QUEUE = "default"
"""Also the name by which Kueue finds the queue of a job that names none."""


def plan_queues(spec: SchedulerSpec, pools: Sequence[NodePoolPlan]) -> tuple[QueuePlan, ...]:
    """Each queue with the nodes of every pool that are its own; SpecError when pools are unknown or too small.

    A pool counts with the most nodes that it may have, for it grows when jobs wait.
    """
    asked = spec.queues or (QueueSpec(name=DEFAULT_QUEUE),)
    problems = [*_unknown_pools(asked, pools), *_overbooked(asked, pools), *_broken_slices(asked, pools)]
    if problems:
        raise SpecError(problems)
    shares = {pool.name: _shares(asked, pool) for pool in pools}
    return tuple(
        QueuePlan(
            name=queue.name,
            nodes={pool: share[queue.name] for pool, share in shares.items()},
            may_borrow=queue.borrow and len(asked) > 1,
            weight=queue.weight,
        )
        for queue in asked
    )


def queue_of(job: JobPlan, plan: SchedulerPlan) -> QueuePlan:
    """The queue that takes the job; SpecError when there is none, or when it can never hold the job."""
    queue = _chosen(job, plan.queues)
    most = reach(queue, plan.queues, job.pool)
    if job.nodes <= most:
        return queue
    own = queue.nodes.get(job.pool, 0)
    whose = f"{own} of its own and {most - own} that it may borrow" if queue.may_borrow else "and may borrow none"
    message = (
        f"{job.nodes} nodes, but the queue '{queue.name}' can never have more than {most} of the pool '{job.pool}' "
        f"({whose}); use fewer nodes, another queue, or give it more under scheduler.queues"
    )
    raise SpecError([Problem(path="training.nodes", message=message)])


def reach(queue: QueuePlan, queues: Sequence[QueuePlan], pool: str) -> int:
    """The most nodes of a pool that a queue can ever have: its own, and where it may borrow all others' too."""
    return sum(other.nodes.get(pool, 0) for other in queues if other is queue or queue.may_borrow)


def refuse_forbidden(kind: SchedulerKind, addons: Sequence[str], facts: KubernetesFacts | None) -> KubernetesFacts:
    """The facts; UnsupportedError where there is no Kubernetes, or its cloud forbids what the scheduler consists of."""
    if facts is None:
        message = f"the scheduler {kind} needs a Kubernetes cluster, and this is not one; use process"
        raise UnsupportedError([Problem(path="scheduler.kind", message=message)])
    forbidden = [f"{addon}: {facts.refused_addons[addon]}" for addon in addons if addon in facts.refused_addons]
    if forbidden:
        message = f"{kind} cannot be installed on this cluster ({'; '.join(forbidden)}); choose another scheduler"
        raise UnsupportedError([Problem(path="scheduler.kind", message=message)])
    return facts


def _chosen(job: JobPlan, queues: Sequence[QueuePlan]) -> QueuePlan:
    names = [queue.name for queue in queues]
    if not job.queue and len(queues) == 1:
        return queues[0]
    found = next((queue for queue in queues if queue.name == job.queue), None)
    if found:
        return found
    if not job.queue:
        message = f"there are several queues; choose one of {', '.join(names)}"
        raise SpecError([Problem(path="training.queue", message=message)])
    hint = suggestion(job.queue, names) or f"; available: {', '.join(names)}"
    raise SpecError([Problem(path="training.queue", message=f"{job.queue!r} is not a queue of this stack{hint}")])


def _unknown_pools(queues: Sequence[QueueSpec], pools: Sequence[NodePoolPlan]) -> list[Problem]:
    known = [pool.name for pool in pools]
    return [
        Problem(
            path=f"scheduler.queues.{queue.name}.nodes.{name}",
            message=f"is not a node pool of this stack{suggestion(name, known) or '; available: ' + ', '.join(known)}",
        )
        for queue in queues
        for name in queue.nodes or {}
        if name not in known
    ]


def _overbooked(queues: Sequence[QueueSpec], pools: Sequence[NodePoolPlan]) -> list[Problem]:
    problems = []
    for pool in pools:
        promised = _promised(queues, pool.name)
        if sum(promised.values()) > pool.max_count:
            key = "maxCount" if pool.max_count > pool.node_count else "count"
            parts = " + ".join(f"{count} to {name}" for name, count in promised.items())
            message = (
                f"{sum(promised.values())} nodes of the pool '{pool.name}' are promised ({parts}), and it has at most "
                f"{pool.max_count}; promise fewer, or raise cluster.nodePools.{pool.name}.{key}"
            )
            problems.append(Problem(path="scheduler.queues", message=message))
    return problems


def _broken_slices(queues: Sequence[QueueSpec], pools: Sequence[NodePoolPlan]) -> list[Problem]:
    """Promises of a part of a slice of TPUs, with which no job can start."""
    problems = []
    for pool in pools:
        size = pool.slices.nodes if pool.slices else 1
        for name, count in _promised(queues, pool.name).items():
            if count % size:
                less, more = count // size * size, -(-count // size) * size
                fits = f"{less} or {more}" if less else str(more)
                message = f"{count} nodes, and a slice of the pool '{pool.name}' has {size}; write {fits}"
                problems.append(Problem(path=f"scheduler.queues.{name}.nodes.{pool.name}", message=message))
    return problems


def _promised(queues: Sequence[QueueSpec], pool: str) -> Mapping[str, int]:
    return {queue.name: queue.nodes[pool] for queue in queues if queue.nodes is not None and queue.nodes.get(pool)}


def _shares(queues: Sequence[QueueSpec], pool: NodePoolPlan) -> Mapping[str, int]:
    """Whole nodes, of TPUs whole slices: what is promised, and an equal part of the rest for those that were promised
    nothing in writing."""
    promised, size = _promised(queues, pool.name), pool.slices.nodes if pool.slices else 1
    rest = (pool.max_count - sum(promised.values())) // size
    heirs = [queue.name for queue in queues if queue.nodes is None]
    cuts = [int(Fraction(rest * index, max(1, len(heirs)))) * size for index in range(len(heirs) + 1)]
    inherited = {name: cuts[index + 1] - cuts[index] for index, name in enumerate(heirs)}
    return {queue.name: inherited.get(queue.name, promised.get(queue.name, 0)) for queue in queues}
