"""The MPI operator: for MPI programs that users hand in themselves."""

from components.schedulers import GangScheduler
from components.schedulers.kueue.plan import admitted
from components.schedulers.mpi.render import render_job
from components.spec.scheduler import SchedulerKind

SCHEDULER = GangScheduler(plan=admitted(SchedulerKind.MPI, "kueue", "mpi-operator"), render_job=render_job)
