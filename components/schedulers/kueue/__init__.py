"""Kueue with JobSet: queues with quotas, gangs that are admitted as a whole, placed by the network's topology."""

from components.schedulers.kueue.plan import plan
from components.schedulers.kueue.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
