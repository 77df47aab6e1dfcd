"""A training job as a TrainJob, on a runtime of its own."""

from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, QueuePlan, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import job_file, labels, named
from components.pods.compute_domain import compute_domains
from components.schedulers.kueue.render import failure_policy, gang, queue_labels, refuse_elastic
from components.schedulers.queues import queue_of
from components.schedulers.topology import refuse_slices

API = "trainer.kubeflow.org/v1alpha1"


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The job's file, its runtime and its TrainJob; SpecError for what Trainer cannot run.

    The runtime holds the whole pod, so that nothing of the pool's binding goes through a TrainJob's few fields. It has
    no `torch` policy: that one prepares an environment for torchrun, and counts ranks from whatever is called a GPU;
    here penstock's own agent starts the ranks that the job's file says. Trainer makes a JobSet of the TrainJob's name,
    so the nodes meet where those of a JobSet do.
    """
    refuse_elastic(job, "trainer")
    refuse_slices(pool, "trainer")
    queue = queue_of(job, plan)
    return named(
        job,
        lambda name: (
            job_file(job, name),
            *compute_domains(pool, job.nodes, name),
            _runtime(job, pool, name),
            _train_job(job, queue, name),
        ),
    )


def _runtime(job: JobPlan, pool: NodePoolPlan, name: str) -> Manifest:
    step = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    node = {"name": "node", "template": {"metadata": {"labels": step}, "spec": gang(job, pool, name)}}
    return {
        "apiVersion": API,
        "kind": "TrainingRuntime",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job))},
        "spec": {
            "mlPolicy": {"numNodes": job.nodes},
            "template": {"spec": {"failurePolicy": failure_policy(job), "replicatedJobs": [node]}},
        },
    }


def _train_job(job: JobPlan, queue: QueuePlan, name: str) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {**labels(job), **queue_labels(job, queue)}}
    return {
        "apiVersion": API,
        "kind": "TrainJob",
        "metadata": metadata,
        "spec": {
            "runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": name},
            "trainer": {"numNodes": job.nodes},
        },
    }
