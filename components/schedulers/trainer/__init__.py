"""Kubeflow Trainer: jobs as TrainJobs, admitted by Kueue."""

from components.schedulers import GangScheduler
from components.schedulers.kueue.plan import admitted
from components.schedulers.kueue.topology import placement_warnings
from components.schedulers.trainer.render import render_job
from components.spec.scheduler import SchedulerKind

SCHEDULER = GangScheduler(
    plan=admitted(SchedulerKind.TRAINER, "jobset", "kueue", "kubeflow-trainer"),
    render_job=render_job,
    placement_warnings=placement_warnings,
)
