"""The cluster autoscaler: node groups that grow and shrink with what waits."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "cluster-autoscaler"
DOES = (Concern.NODE_AUTOSCALER,)


def verdict(request: Request) -> Verdict:
    reason = "it needs rights over the cloud's node groups; switch it on once it has them"
    return taken(request, Concern.NODE_AUTOSCALER) or off(reason)


def plan(request: Request) -> AddonPlan:
    """Its cloud and cluster are the user's to give (`cloudProvider`, `autoDiscovery.clusterName`)."""
    values = {
        "extraArgs": {"balance-similar-node-groups": True, "skip-nodes-with-system-pods": False},
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        does=DOES,
        reason="",
    )
