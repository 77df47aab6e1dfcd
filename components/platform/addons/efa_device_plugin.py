"""The EFA device plugin: a machine's EFA interfaces as resources."""

from components.kubernetes.devices import EFA
from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, taken
from components.platform.versions import versions

NAME = "efa-device-plugin"
DOES = (Concern.FABRIC_DEVICES,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if EFA not in request.devices():
        return off("no pool has EFA interfaces")
    return taken(request, Concern.FABRIC_DEVICES) or on(f"pools ask for {EFA}, and nothing else provides it")


def plan(request: PlatformRequest) -> AddonPlan:
    """On the machine types of the pools alone, by every name that their nodes are labelled with.

    The chart's own list lacks what is newer than it, its image is of one region, and it does not tolerate the taints
    of accelerator pools: the cloud says the image, the rest is here.
    """
    types = sorted({pool.machine.name for pool in request.pools if EFA in pool.binding.devices})
    values = {
        "supportedInstanceLabels": {"keys": ["node.kubernetes.io/instance-type"], "values": types},
        "tolerations": [{"operator": "Exists"}],
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        does=DOES,
    )
