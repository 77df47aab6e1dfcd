"""Volcano: gangs placed by its own scheduler, elastic where the job is."""

from components.schedulers.volcano.plan import plan
from components.schedulers.volcano.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
