"""KubeRay: the agents of a gang as tasks of a Ray cluster, admitted by Kueue."""

from components.schedulers.kuberay.plan import plan
from components.schedulers.kuberay.render import render_job
from components.serving.render import render_service

__all__ = ["plan", "render_job", "render_service"]
