"""KAI: gangs placed by NVIDIA's scheduler, with shares that follow use."""

from components.schedulers.kai.plan import plan
from components.schedulers.kai.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
