"""Weka's driver, for file systems of a Weka cluster that is there already."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "weka-csi"
DOES: tuple[Concern, ...] = ()


def verdict(request: Request) -> Verdict:
    del request
    return off("it mounts an existing Weka cluster; switch it on to use one")


def plan(request: Request) -> AddonPlan:
    values = {"nodePluginTolerations": [{"operator": "Exists"}]}
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "controller.nodeSelector"))),
        reason="",
    )
