"""metrics-server: what nodes and pods use, for `kubectl top`."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "metrics-server"
DOES: tuple[Concern, ...] = ()


def verdict(request: Request) -> Verdict:
    del request
    return off("no autoscaler here reads processor or memory use")


def plan(request: Request) -> AddonPlan:
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged({"replicas": 2}, selected(request, "nodeSelector"))),
        reason="",
    )
