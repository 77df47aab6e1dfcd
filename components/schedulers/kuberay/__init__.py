"""KubeRay: the agents of a gang as tasks of a Ray cluster, admitted by Kueue."""

from components.schedulers import GangScheduler
from components.schedulers.kuberay.render import render_job
from components.schedulers.kueue.plan import admitted
from components.schedulers.kueue.topology import placement_warnings
from components.spec.scheduler import SchedulerKind

SCHEDULER = GangScheduler(
    plan=admitted(SchedulerKind.KUBERAY, "kueue", "kuberay-operator"),
    render_job=render_job,
    placement_warnings=placement_warnings,
)
