"""The cluster autoscaler: node pools that grow with what waits, and shrink when nodes idle."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "cluster-autoscaler"
DOES = (Concern.NODE_AUTOSCALER,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    grown = ", ".join(pool.name for pool in request.pools if pool.grown_by == NAME)
    if not grown:
        return taken(request, Concern.NODE_AUTOSCALER) or off("no pool changes its size")
    return on(f"pools change their size: {grown}")


def plan(request: PlatformRequest) -> AddonPlan:
    """The cloud says which groups it may see; a pod that is not to be moved says so itself (`safe-to-evict: "false"`).

    Pods of kube-system, which a node alone may run, do not hold a node; those with data on it do, by the default.
    """
    values = {
        "extraArgs": {
            "balance-similar-node-groups": True,
            "expander": "least-waste",
            "skip-nodes-with-system-pods": False,
        },
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        does=DOES,
    )
