"""Slurm on Kubernetes (Slinky): nodes as pods, jobs as batch scripts."""

from components.schedulers import GangScheduler
from components.schedulers.slurm.plan import plan
from components.schedulers.slurm.render import render_job

SCHEDULER = GangScheduler(plan=plan, render_job=render_job)
