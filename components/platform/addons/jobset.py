"""JobSet: several Jobs that start, fail and restart as one."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "jobset"
DOES = (Concern.JOBSET,)


def verdict(request: Request) -> Verdict:
    if NAME not in request.scheduler_addons:
        return taken(request, Concern.JOBSET) or off("the scheduler does not use it")
    return taken(request, Concern.JOBSET) or on("the scheduler's gangs are JobSets")


def plan(request: Request) -> AddonPlan:
    values = {
        "controller": {
            "clientConnection": {"qps": 200, "burst": 400},
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        }
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "controller.nodeSelector"))),
        crds=("jobsets.jobset.x-k8s.io",),
        webhooks=("jobset-system/jobset-webhook-service",),
        does=DOES,
        reason="",
    )
