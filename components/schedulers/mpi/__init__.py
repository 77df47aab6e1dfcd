"""The MPI operator: for MPI programs that users hand in themselves."""

from components.schedulers.mpi.plan import plan
from components.schedulers.mpi.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
