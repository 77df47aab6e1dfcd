"""KAI: NVIDIA's scheduler of gangs and shares of accelerators."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, same_software, selected
from components.platform.versions import versions

NAME = "kai-scheduler"
DOES = (Concern.GANG_SCHEDULER,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NAME not in request.scheduler_addons:
        return off("the scheduler does not use it")
    return same_software(request, Concern.GANG_SCHEDULER, "kai") or on("the scheduler is KAI")


def plan(request: PlatformRequest) -> AddonPlan:
    kinds = ("queues.scheduling.run.ai", "podgroups.scheduling.run.ai", "topologies.kai.scheduler")
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, selected(request, "global.nodeSelector")),
        crds=kinds,
        webhooks=("kai-scheduler/admission",),
        does=DOES,
    )
