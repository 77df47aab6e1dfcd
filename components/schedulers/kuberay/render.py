"""A training job as a RayJob whose entrypoint starts one agent on each Ray node."""

from dataclasses import replace
from typing import Any

from components.errors import Problem, SpecError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import job_file, labels, named, pod_template
from components.pods.bind import annotate, leader_share
from components.pods.compute_domain import compute_domains, in_domain
from components.pods.config_map import FILE, FOLDER
from components.schedulers.kueue.render import queue_labels, refuse_command, refuse_elastic
from components.schedulers.kueue.topology import annotations
from components.schedulers.queues import queue_of

RAY = "2.60.0"
"""Version of Ray that the operator is told; the entrypoint was tried with this one, and the image's own is what runs.
"""

HEAD_CORES, HEAD_GIB = 1, 4
HEAD = {"cpu": f"{HEAD_CORES}", "memory": f"{HEAD_GIB}Gi"}
"""For the node that only leads; it computes nothing."""

NODE_RESOURCE = "penstock-node"
"""As workloads/pretrain/agent/on_ray.py asks for it."""


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's file and its RayJob; SpecError for what KubeRay cannot run."""
    refuse_elastic(job, "kuberay")
    refuse_command(job, "kuberay", "use the scheduler kueue, trainer, volcano or kai")
    queue, job = queue_of(job, plan), _beside_the_head(job, pool)
    return named(
        job,
        lambda name: (job_file(job, name), *compute_domains(pool, job.nodes, name), _ray_job(job, pool, queue, name)),
    )


def _beside_the_head(job: JobPlan, pool: NodePoolPlan) -> JobPlan:
    """The gang with room for the head on one of its nodes, unless the pool has one more: Ray's nodes are alike, so each
    leaves as much. SpecError where its ranks need that too.
    """
    if job.nodes < pool.node_count:
        return job
    cpu, memory_gib = pool.room.cores - HEAD_CORES, pool.room.memory_gib - HEAD_GIB
    if cpu <= 0 or (job.pod_memory_gib > memory_gib and not pool.machine.accelerator_count):
        message = (
            f"{pool.name!r} has no node more than the gang, and beside its pod of {job.pod_memory_gib:.1f} GiB Ray's "
            f"head needs {HEAD_CORES} core and {HEAD_GIB} GiB, where {pool.machine.name} leaves {pool.room.cores:.1f} "
            f"and {pool.room.memory_gib:.1f}; train on fewer nodes, or take a larger machine type"
        )
        raise SpecError([Problem(path="training.nodes", message=message)])
    return replace(job, cpu=min(job.cpu, cpu), pod_memory_gib=min(job.pod_memory_gib, memory_gib))


def _ray_job(job: JobPlan, pool: NodePoolPlan, queue: QueuePlan, name: str) -> Manifest:
    worker = _node(job, in_domain(pool, job.nodes, name), name)
    annotate(worker, annotations(job, pool))
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {**labels(job), **queue_labels(job, queue)}}
    spec = {
        "shutdownAfterJobFinishes": True,
        "backoffLimit": job.max_agent_restarts,
        "entrypoint": f"python -m workloads.pretrain.agent.on_ray {FOLDER}/{FILE} --nodes {job.nodes}",
        "submissionMode": "HTTPMode",
        "rayClusterSpec": {
            "rayVersion": RAY,
            "headGroupSpec": {"rayStartParams": {"num-cpus": "0"}, "template": _head(job, pool, name)},
            "workerGroupSpecs": [_workers(job, worker)],
        },
    }
    return {"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": metadata, "spec": spec}


def _workers(job: JobPlan, template: dict[str, Any]) -> dict[str, Any]:
    return {
        "groupName": "node",
        "replicas": job.nodes,
        "minReplicas": job.nodes,
        "maxReplicas": job.nodes,
        "rayStartParams": {"resources": f"'{{\"{NODE_RESOURCE}\": 1}}'"},
        "template": template,
    }


def _node(job: JobPlan, pool: NodePoolPlan, name: str) -> dict[str, Any]:
    """Pod of a Ray node without a command: the operator writes Ray's own into the first container."""
    template = pod_template(job, pool, name=name, command=[])
    del template["spec"]["containers"][0]["command"]
    return template


def _head(job: JobPlan, pool: NodePoolPlan, name: str) -> dict[str, Any]:
    """Pod like the workers', on their pool, without devices and with little of everything else."""
    head = _node(job, replace(pool, binding=leader_share(pool.binding)), name)
    container = head["spec"]["containers"][0]
    # The operator names Ray's own ports only where there are none, and hands the job to the one called dashboard.
    container.pop("ports", None)
    container |= {"name": "head", "resources": {"requests": HEAD, "limits": {"memory": HEAD["memory"]}}}
    return head
