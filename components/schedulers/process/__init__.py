"""Plain processes on one machine, without a queue."""

from components.schedulers.process.plan import plan
from components.schedulers.process.render import render_job, render_service

__all__ = ["plan", "render_job", "render_service"]
