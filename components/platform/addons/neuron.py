"""AWS Neuron's device plugin."""

from components.kubernetes.devices import NEURON
from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, taken
from components.platform.versions import versions

NAME = "neuron"
DOES = (Concern.DEVICE_PLUGIN,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NEURON not in request.devices():
        return off("no pool has Neuron accelerators")
    return taken(request, Concern.DEVICE_PLUGIN) or on(f"pools ask for {NEURON}, and nothing else provides it")


def plan(request: PlatformRequest) -> AddonPlan:
    """Its own node problem detector only where nothing else watches the nodes: two would write the same conditions."""
    watches = request.owner(Concern.NODE_HEALTH) is None and request.asked("node-problem-detector").enabled is not True
    values = {"npd": {"enabled": watches}, "scheduler": {"enabled": False}}
    chart = release(NAME, request, values)
    health = (Concern.NODE_HEALTH,) if chart.values["npd"].get("enabled") else ()
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=chart,
        does=(*DOES, *health),
    )
