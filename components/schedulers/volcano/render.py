"""A training job as Volcano takes it."""

from collections.abc import Iterator
from typing import Any

from components.errors import Problem, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import agent, job_file, labels, named, pod_template
from components.pods.compute_domain import compute_domains, in_domain
from components.schedulers.exits import GAVE_UP, PREEMPTED, REFUSED
from components.schedulers.priorities import priority_class
from components.schedulers.queues import queue_of
from components.schedulers.topology import asks_for_nearness, domains, level, refuse_several_domains, refuse_slices
from components.schedulers.volcano.plan import queue_name
from components.spec.scheduler import TopologyRequest

INDEX = "metadata.annotations['volcano.sh/task-index']"

PREEMPTIONS = 100
"""Restarts that a job has on top of its own: Volcano counts being put back and failing alike."""

SOFT_AT_MOST = 256
"""Nodes of a gang that is placed as close as it comes. Volcano 1.14 places 256 at 3 s of processor, 512 at 29 s where
6 s are enough without its soft mode, and had not placed 1,024 after five minutes (docs/benchmarks.md)."""


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's file and its Volcano Job; SpecError for what Volcano cannot run."""
    queue = queue_of(job, plan)
    refuse_slices(pool, "volcano")
    refuse_several_domains(job, pool, "volcano")
    _refuse_growth(job, pool)
    return named(
        job,
        lambda name: (job_file(job, name), *compute_domains(pool, job.nodes, name), _job(job, pool, queue, name)),
    )


def _refuse_growth(job: JobPlan, pool: NodePoolPlan) -> None:
    """UnsupportedError for a gang that needs nodes which are not always there: Volcano lets in no gang that the nodes
    cannot hold, and makes no pod of it, for which a pool would grow (volcano-sh/volcano, plugins proportion and
    capacity: `realCapability`).
    """
    if pool.grown_by and job.min_nodes > pool.min_count:
        message = (
            f"{job.min_nodes} nodes at least, and the pool {pool.name!r} may have {pool.min_count}: Volcano makes no "
            f"pods of a gang that is larger than its cluster, for which {pool.grown_by} would add nodes; raise "
            f"cluster.nodePools.{pool.name}.minCount to {job.min_nodes} (without a spot fallback), or use kueue"
        )
        raise UnsupportedError([Problem(path="training.nodes", message=message)])


def placement_warnings(job: JobPlan, pool: NodePoolPlan) -> Iterator[str]:
    """Limits of Volcano: its topology is what its controller makes of labels, and it looks for nearness as long as that
    takes seconds.
    """
    if not asks_for_nearness(job, pool):
        return
    if job.topology is TopologyRequest.PREFERRED and job.nodes > SOFT_AT_MOST:
        yield (
            f"cluster.nodePools.{pool.name}: Volcano places a gang of more than {SOFT_AT_MOST} nodes without regard to "
            "topology unless that is required, as its search takes minutes then; Kueue's does not"
        )
    else:
        yield (
            f"cluster.nodePools.{pool.name}: Volcano places by topology only where its controller finds HyperNodes "
            "from these labels, narrowest first: " + ", ".join(reversed(pool.binding.topology_keys))
        )


def _job(job: JobPlan, pool: NodePoolPlan, queue: QueuePlan, name: str) -> Manifest:
    bound = in_domain(pool, job.nodes, name)
    template = pod_template(job, bound, name=name, command=agent(job, f"{name}-node-0.{name}"), index=INDEX)
    spec: dict[str, Any] = {
        "schedulerName": "volcano",
        "queue": queue_name(queue),
        "priorityClassName": priority_class(job.priority),
        "minAvailable": job.min_nodes,
        "maxRetry": job.max_agent_restarts + PREEMPTIONS,
        "plugins": {"svc": ["--publish-not-ready-addresses=true", "--disable-network-policy=true"]},
        "policies": _policies(job),
        "tasks": [
            {"name": "node", "replicas": job.nodes, "minAvailable": job.min_nodes, "template": template},
        ],
    }
    if topology := _topology(job, pool):
        spec["networkTopology"] = topology
    metadata = {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job))}
    return {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": metadata, "spec": spec}


def _policies(job: JobPlan) -> list[dict[str, Any]]:
    """The first that fits: a mistake or a hopeless failure ends the job; any other lost pod starts the gang again.

    A gang that may shrink goes on without the pod, which alone is started again and joins when it can; the store that
    the nodes meet in is node 0's, so without that the others end as well.
    """
    again = "RestartPod" if job.min_nodes < job.nodes else "RestartJob"
    return [
        {"exitCode": REFUSED, "action": "TerminateJob"},
        {"exitCode": GAVE_UP, "action": "TerminateJob"},
        {"exitCode": PREEMPTED, "action": again},
        {"events": ["PodFailed", "PodEvicted"], "action": again},
        {"event": "TaskCompleted", "action": "CompleteJob"},
    ]


def _topology(job: JobPlan, pool: NodePoolPlan) -> dict[str, Any]:
    """Tiers are counted from 1, the narrowest domain; of a large gang only a required one is worth its price."""
    asked = level(job, pool)
    if not asked:
        return {}
    if job.topology is TopologyRequest.PREFERRED:
        return {"mode": "soft"} if job.nodes <= SOFT_AT_MOST else {}
    return {"mode": "hard", "highestTierAllowed": len(domains(pool)) - domains(pool).index(asked)}
