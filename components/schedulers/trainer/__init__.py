"""Kubeflow Trainer: jobs as TrainJobs, admitted by Kueue."""

from components.schedulers.trainer.plan import plan
from components.schedulers.trainer.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
