"""Kubeflow Trainer: TrainJobs made of runtimes."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "kubeflow-trainer"
DOES = (Concern.TRAINJOB,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return taken(request, Concern.TRAINJOB) or off("the scheduler does not use it")
    return taken(request, Concern.TRAINJOB) or on("the scheduler's jobs are TrainJobs")


def plan(request: PlatformRequest) -> AddonPlan:
    """The chart brings a JobSet controller of its own; ours is there, and two would both restart each gang."""
    values = {
        "jobset": {"install": False},
        "manager": {"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}},
    }
    chart = release(NAME, request, merged(values, selected(request, "manager.nodeSelector")))
    kinds = ("trainjobs", "trainingruntimes", "clustertrainingruntimes")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=chart,
        crds=tuple(f"{kind}.trainer.kubeflow.org" for kind in kinds),
        webhooks=("kubeflow-system/kubeflow-trainer-controller-manager",),
        needs=("jobset",),
        does=(*DOES, *((Concern.JOBSET,) if chart.values["jobset"].get("install") else ())),
    )
