"""Kueue with JobSet: queues with quotas, gangs that are admitted as a whole, placed by the network's topology."""

from components.schedulers import GangScheduler
from components.schedulers.kueue.plan import plan
from components.schedulers.kueue.render import render_job
from components.schedulers.kueue.topology import placement_warnings

SCHEDULER = GangScheduler(plan=plan, render_job=render_job, placement_warnings=placement_warnings)
