"""LeaderWorkerSet: replicas that are groups of pods."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "leader-worker-set"
DOES: tuple[Concern, ...] = ()


def verdict(request: PlatformRequest) -> AddonVerdict:
    if request.service is not None and request.service.nodes_per_replica > 1:
        return on(f"a replica of the service spans {request.service.nodes_per_replica} nodes")
    return off("no service has replicas of several nodes")


def plan(request: PlatformRequest) -> AddonPlan:
    values = {"fullnameOverride": "lws", "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}}}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        crds=("leaderworkersets.leaderworkerset.x-k8s.io",),
        webhooks=("lws-system/lws-webhook-service",),
    )
