"""The node problem detector: what goes wrong on a node, as its conditions."""

from components.kubernetes.devices import NEURON
from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, taken
from components.platform.versions import versions

NAME = "node-problem-detector"
DOES = (Concern.NODE_HEALTH,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if not request.has_accelerators():
        return off("no pool has accelerators")
    if NEURON in request.devices():
        return taken(request, Concern.NODE_HEALTH) or off("neuron brings its own")
    return taken(request, Concern.NODE_HEALTH) or on("nothing else watches the nodes")


def plan(request: PlatformRequest) -> AddonPlan:
    values = {
        "settings": {"log_monitors": ["/config/kernel-monitor.json", "/config/readonly-monitor.json"]},
        "tolerations": [{"operator": "Exists"}],
        "metrics": {"enabled": True, "serviceMonitor": {"enabled": request.monitors()}},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        needs=request.monitoring(),
        does=DOES,
    )
