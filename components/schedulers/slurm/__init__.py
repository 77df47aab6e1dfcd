"""Slurm on Kubernetes (Slinky): nodes as pods, jobs as batch scripts."""

from components.schedulers.slurm.plan import plan
from components.schedulers.slurm.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
