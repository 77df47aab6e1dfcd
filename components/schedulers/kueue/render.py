"""A training job as a JobSet that Kueue admits as a whole."""

from typing import Any

from components.errors import Problem, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import agent, job_file, labels, named, node_name, pod_template
from components.pods.bind import annotate
from components.pods.compute_domain import compute_domains, in_domain
from components.schedulers.exits import GAVE_UP, PREEMPTED, REFUSED
from components.schedulers.kueue.plan import scoped
from components.schedulers.kueue.topology import annotations
from components.schedulers.queues import queue_of

INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
SLICE_INDEX = "metadata.annotations['jobset.sigs.k8s.io/job-index']"
EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"
"""Annotation of a JobSet by which each of its jobs has a domain to itself: without it, pods of two jobs meet on one
slice (kubernetes-sigs/jobset 1057, 682)."""
LET_GO = {"kueue.x-k8s.io/safe-to-forcefully-delete": "true"}
"""Annotation of a pod that Kueue may call failed when its node is gone: nobody else does where nobody replaces the
node, and its gang waits for it for ever (Kueue 0.18, feature FailureRecoveryPolicy)."""


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's file and its JobSet; SpecError for what Kueue cannot run."""
    refuse_elastic(job, "kueue")
    queue = queue_of(job, plan)
    return named(
        job,
        lambda name: (
            job_file(job, name),
            *compute_domains(pool, job.nodes, name),
            _job_set(job, pool, queue, name),
        ),
    )


def refuse_elastic(job: JobPlan, scheduler: str) -> None:
    """UnsupportedError for a gang that may shrink, where a scheduler starts it whole or not at all."""
    if job.min_nodes < job.nodes:
        message = (
            f"{job.min_nodes} of {job.nodes} nodes, but {scheduler} starts a gang as a whole, and as a whole again "
            "when a node is lost; leave minNodes out, or use the scheduler volcano"
        )
        raise UnsupportedError([Problem(path="training.minNodes", message=message)])


def refuse_command(job: JobPlan, scheduler: str, remedy: str) -> None:
    """UnsupportedError for a program of the user's own, where a scheduler starts penstock's agent from its image."""
    if job.command:
        message = f"command, but {scheduler} starts penstock's own trainer alone; {remedy}"
        raise UnsupportedError([Problem(path="training.engine", message=message)])


def queue_labels(job: JobPlan, queue: QueuePlan) -> dict[str, str]:
    """By which Kueue knows whose quota a job takes, and before which others it goes."""
    return {
        "kueue.x-k8s.io/queue-name": queue.name,
        "kueue.x-k8s.io/priority-class": scoped(job.priority),
    }


def failure_policy(job: JobPlan) -> dict[str, Any]:
    """Rules of a JobSet for a Job that has failed.

    Told by the Job's message, which carries the exit code: mistakes and hopeless failures end the run; a preemption
    with a checkpoint or a lost node starts it again without being counted; anything else is counted.
    """
    final = rf"failed with exit code ({REFUSED}|{GAVE_UP}) "
    return {
        "maxRestarts": job.max_agent_restarts,
        "restartStrategy": "BlockingRecreate",
        "rules": [
            {
                "name": "final",
                "action": "FailJobSet",
                "onJobFailureReasons": ["PodFailurePolicy"],
                "onJobFailureMessagePatterns": [final],
            },
            {
                "name": "preempted",
                "action": "RestartJobSetAndIgnoreMaxRestarts",
                "onJobFailureReasons": ["PodFailurePolicy"],
            },
        ],
    }


def _pod_failure_policy() -> dict[str, Any]:
    """Ends of a pod that end its Job at once, with a reason of their own; all others are failures that count."""
    codes = {"operator": "In", "values": [GAVE_UP, PREEMPTED, REFUSED]}
    disrupted = [{"type": "DisruptionTarget", "status": "True"}]
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": codes},
            {"action": "FailJob", "onPodConditions": disrupted},
        ]
    }


def gang(job: JobPlan, pool: NodePoolPlan, name: str, *, by_kueue: bool = True) -> dict[str, Any]:
    """The spec of an Indexed Job whose pods are the nodes of the gang, or of one slice of it, all or none of them."""
    meeting = f"{node_name(name, 0)}.{name}"
    bound = in_domain(pool, job.nodes, name)
    template = pod_template(job, bound, name=name, command=agent(job, meeting), index=INDEX)
    if by_kueue:
        annotate(template, {**annotations(job, pool), **({} if pool.repaired else LET_GO)})
    if slice_count(job, pool) > 1:
        _over_slices(template, slice_count(job, pool), meeting)
    nodes = job.nodes // slice_count(job, pool)
    return {
        "parallelism": nodes,
        "completions": nodes,
        "completionMode": "Indexed",
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": _pod_failure_policy(),
        "template": template,
    }


def slice_count(job: JobPlan, pool: NodePoolPlan) -> int:
    """Indexed Jobs of the gang: one, or one for each slice of TPUs."""
    return job.nodes // pool.slices.nodes if pool.slices else 1


def _over_slices(template: dict[str, Any], slices: int, meeting: str) -> None:
    """Adds the environment by which the TPUs' runtime finds the other slices: GKE's webhook tells a host of its own
    slice alone (jax 0.10.2, clusters/cloud_tpu_cluster.py, for the names; GKE, "Run multi-slice workloads").

    `SLICE_INDEX` is the agent's: a node's number in the gang follows from it.
    """
    (container,) = template["spec"]["containers"]
    container["env"] += [
        {"name": "SLICE_INDEX", "valueFrom": {"fieldRef": {"fieldPath": SLICE_INDEX}}},
        {"name": "MEGASCALE_SLICE_ID", "value": "$(SLICE_INDEX)"},
        {"name": "MEGASCALE_NUM_SLICES", "value": str(slices)},
        {"name": "MEGASCALE_COORDINATOR_ADDRESS", "value": meeting},
    ]


def _job_set(job: JobPlan, pool: NodePoolPlan, queue: QueuePlan, name: str) -> Manifest:
    metadata: dict[str, Any] = {
        "name": name, "namespace": NAMESPACE, "labels": {**labels(job), **queue_labels(job, queue)}
    }  # fmt: skip
    if pool.slices and pool.slices.label:
        metadata["annotations"] = {EXCLUSIVE: pool.slices.label}
    own = {"labels": dict(labels(job))}
    spec = gang(job, pool, name)
    node = {"name": "node", "replicas": slice_count(job, pool), "template": {"metadata": own, "spec": spec}}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": metadata,
        "spec": {
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": failure_policy(job),
            "replicatedJobs": [node],
        },
    }
