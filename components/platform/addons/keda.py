"""KEDA: replicas that follow a metric, down to none."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions
from components.spec.inference import ScaledBy

NAME = "keda"
DOES = (Concern.EXTERNAL_METRICS,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    scaling = request.service.autoscaling if request.service else None
    if scaling is None or scaling.by is not ScaledBy.KEDA:
        return off("no service is scaled by it")
    return taken(request, Concern.EXTERNAL_METRICS) or on("the service's replicas follow its queue")


def plan(request: PlatformRequest) -> AddonPlan:
    small = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    values = {"resources": dict.fromkeys(("operator", "metricServer", "webhooks"), small)}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        crds=("scaledobjects.keda.sh", "triggerauthentications.keda.sh"),
        webhooks=("keda/keda-admission-webhooks",),
        needs=("kube-prometheus-stack",),
        does=DOES,
    )
