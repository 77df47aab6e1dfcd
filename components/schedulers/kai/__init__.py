"""KAI: gangs placed by NVIDIA's scheduler, with shares that follow use."""

from components.schedulers import GangScheduler
from components.schedulers.kai.plan import plan
from components.schedulers.kai.render import render_job

SCHEDULER = GangScheduler(plan=plan, render_job=render_job)
