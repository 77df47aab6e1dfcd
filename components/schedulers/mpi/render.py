"""Refusal of penstock's own jobs on the MPI operator."""

from components.errors import Problem, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import Manifest, SchedulerPlan
from components.plan.work import JobPlan


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """UnsupportedError: penstock's training job is no MPI program.

    An MPIJob's worker is a pod that runs sshd: the request to stop goes to that and not to the ranks, so a preemption
    takes no checkpoint; ranks have none of the pod's environment; and the launcher's exit code tells no failure from a
    preemption.
    """
    message = (
        "mpi takes MPI programs that you hand in yourself (MPIJob), and no training of penstock's: its pods would lose "
        "the checkpoint of a preemption; use kueue, trainer, volcano, kai or kuberay, which run it"
    )
    raise UnsupportedError([Problem(path="scheduler.kind", message=message)])
