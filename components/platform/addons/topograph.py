"""NVIDIA Topograph: a cloud's own knowledge of its switches as labels of nodes."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "topograph"
DOES = (Concern.TOPOLOGY_LABELS,)


def verdict(request: Request) -> Verdict:
    return taken(request, Concern.TOPOLOGY_LABELS) or off("it needs a provider and credentials in its values")


def plan(request: Request) -> AddonPlan:
    """Which provider it asks is the user's to say: `values: {provider: {name: infiniband-k8s}}`."""
    values = {"engine": {"name": "k8s"}, "tests": {"enabled": False}}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "nodeSelector"))),
        does=DOES,
        reason="",
    )
