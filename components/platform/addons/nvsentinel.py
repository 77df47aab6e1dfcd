"""NVSentinel: finds faulty accelerators, cordons and drains their nodes, and repairs them where it is told to."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import Request, Verdict, off, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "nvsentinel"
DOES = (Concern.NODE_REPAIR,)
_MODULES = ("faultQuarantine", "nodeDrainer")


def verdict(request: Request) -> Verdict:
    return taken(request, Concern.NODE_REPAIR) or off(
        "it drains nodes by itself and keeps a database; off unless asked for"
    )


def plan(request: Request) -> AddonPlan:
    """Quarantine and drain; reboots and replacements (`janitor`, `faultRemediation`) are the user's to switch on."""
    modules = {name: {"enabled": True} for name in _MODULES}
    service = {"endpoint": "nvidia-dcgm.gpu-operator.svc", "port": 5555}
    values = {
        "global": {**modules, "mongodbStore": {"enabled": True}, "dcgm": {"enabled": True, "service": service}},
        "podMonitor": {"enabled": request.monitors()},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "global.systemNodeSelector"))),
        needs=("gpu-operator", "cert-manager", *request.monitoring()),
        does=DOES,
        reason="",
    )
