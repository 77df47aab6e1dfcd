"""Volcano: gangs placed by its own scheduler, elastic where the job is."""

from components.schedulers import GangScheduler
from components.schedulers.volcano.plan import plan
from components.schedulers.volcano.render import placement_warnings, render_job

SCHEDULER = GangScheduler(plan=plan, render_job=render_job, placement_warnings=placement_warnings)
