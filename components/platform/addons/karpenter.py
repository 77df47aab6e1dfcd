"""Karpenter: nodes as pods need them."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "karpenter"
DOES = (Concern.NODE_AUTOSCALER,)


def verdict(request: Request) -> Verdict:
    return taken(request, Concern.NODE_AUTOSCALER) or off(
        "pools are node groups; it needs rights of its own; switch it on once it has them"
    )


def plan(request: Request) -> AddonPlan:
    """The cluster's name and the role of its account are the user's to give (`settings.clusterName`, annotations)."""
    values = {
        "replicas": 2,
        "serviceMonitor": {"enabled": request.monitors()},
        "controller": {"resources": {"requests": {"cpu": "250m", "memory": "512Mi"}}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        crds=("nodepools.karpenter.sh", "nodeclaims.karpenter.sh"),
        needs=request.monitoring(),
        does=DOES,
        reason="",
    )
