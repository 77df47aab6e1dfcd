"""A training job as a JobSet whose pods KAI places as one group."""

from typing import Any

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import job_file, labels, named
from components.pods.bind import annotate
from components.pods.compute_domain import compute_domains
from components.schedulers.kai.plan import levels, queue_name
from components.schedulers.kueue.render import failure_policy, gang, refuse_elastic
from components.schedulers.kueue.topology import topology_name
from components.schedulers.priorities import priority_class
from components.schedulers.queues import queue_of
from components.schedulers.topology import level, refuse_several_domains, refuse_slices
from components.spec.scheduler import TopologyRequest

LEAVE_ALONE = {"kai.scheduler/skip-podgrouper": "true"}
"""The group is ours, so KAI makes none of its own from the pods' owners."""


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's file, its group and its JobSet; SpecError for what KAI cannot run."""
    refuse_elastic(job, "kai")
    refuse_slices(pool, "kai")
    queue = queue_of(job, plan)
    refuse_several_domains(job, pool, "kai")
    return named(
        job,
        lambda name: (
            job_file(job, name),
            *compute_domains(pool, job.nodes, name),
            _group(job, pool, queue, name),
            _job_set(job, pool, queue, name),
        ),
    )


def _group(job: JobPlan, pool: NodePoolPlan, queue: QueuePlan, name: str) -> Manifest:
    spec: dict[str, Any] = {
        "minMember": job.nodes,
        "queue": queue_name(queue),
        "priorityClassName": priority_class(job.priority),
    }
    if constraint := _constraint(job, pool):
        spec["topologyConstraint"] = constraint
    return {
        "apiVersion": "scheduling.run.ai/v2alpha2",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job))},
        "spec": spec,
    }


def _job_set(job: JobPlan, pool: NodePoolPlan, queue: QueuePlan, name: str) -> Manifest:
    spec = gang(job, pool, name, by_kueue=False)
    pod = spec["template"]
    pod["metadata"]["labels"]["kai.scheduler/queue"] = queue_name(queue)
    annotate(pod, {"pod-group-name": name, **LEAVE_ALONE})
    pod["spec"] |= {"schedulerName": "kai-scheduler", "priorityClassName": priority_class(job.priority)}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job)), "annotations": LEAVE_ALONE}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": metadata,
        "spec": {
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": failure_policy(job),
            "replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": spec}}],
        },
    }


def _constraint(job: JobPlan, pool: NodePoolPlan) -> dict[str, str]:
    asked = level(job, pool)
    if not asked:
        return {}
    wish = "requiredTopologyLevel" if job.topology is TopologyRequest.REQUIRED else "preferredTopologyLevel"
    return {"topology": topology_name(levels(pool)), wish: asked}
