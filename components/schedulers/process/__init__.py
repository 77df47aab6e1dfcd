"""Plain processes on one machine, without a queue."""

from components.schedulers import GangScheduler
from components.schedulers.process.plan import plan
from components.schedulers.process.render import render_job, render_service

SCHEDULER = GangScheduler(plan=plan, render_job=render_job, render_service=render_service)
