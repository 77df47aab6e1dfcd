"""KubeRay: Ray clusters, jobs and services."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "kuberay-operator"
DOES = (Concern.RAY,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return taken(request, Concern.RAY) or off("the scheduler does not use it")
    return taken(request, Concern.RAY) or on("the scheduler's jobs are RayJobs")


def plan(request: PlatformRequest) -> AddonPlan:
    """Its chart limits it to a tenth of a core, at which a hundred clusters take minutes to reconcile."""
    resources = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    values: dict[str, object] = {"fullnameOverride": NAME, "resources": resources}
    if "volcano" in request.scheduler_addons:
        values["batchScheduler"] = {"name": "volcano"}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        crds=("rayclusters.ray.io", "rayjobs.ray.io", "rayservices.ray.io"),
        needs=tuple(name for name in request.scheduler_addons if name == "volcano"),
        does=DOES,
    )
