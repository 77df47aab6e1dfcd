"""The NVIDIA DRA driver: compute domains, by which accelerators of several machines share one NVLink."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "nvidia-dra-driver"
DOES = (Concern.COMPUTE_DOMAINS,)
OPERATORS_DRIVER, IMAGES_DRIVER = "/run/nvidia/driver", "/"


def verdict(request: PlatformRequest) -> AddonVerdict:
    if not request.has_compute_domains():
        return off("no pool's accelerators span machines over NVLink")
    return taken(request, Concern.COMPUTE_DOMAINS) or on("accelerators span machines over NVLink (GB200, GB300)")


def plan(request: PlatformRequest) -> AddonPlan:
    """Accelerators themselves stay with the device plugin: two ways to give one away would give it twice."""
    values = {
        "nvidiaDriverRoot": OPERATORS_DRIVER if request.driver_is_operators() else IMAGES_DRIVER,
        "resources": {"gpus": {"enabled": False}, "computeDomains": {"enabled": True}},
        "kubeletPlugin": {"tolerations": [{"operator": "Exists"}]},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, merged(values, selected(request, "controller.nodeSelector"))),
        crds=("computedomains.resource.nvidia.com",),
        needs=("gpu-operator",),
        does=DOES,
    )
