"""NVIDIA's exporter of accelerator metrics, where no GPU operator runs it."""

from components.kubernetes.devices import NVIDIA
from components.plan.kubernetes import AddonPlan, Concern
from components.platform.addons import gpu_operator
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, taken
from components.platform.versions import versions

NAME = "dcgm-exporter"
DOES = (Concern.DCGM_EXPORTER,)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NVIDIA not in request.devices():
        return off("no pool has NVIDIA accelerators")
    if done := taken(request, Concern.DCGM_EXPORTER):
        return done
    asked = request.asked(gpu_operator.NAME).enabled
    if asked or (asked is None and gpu_operator.verdict(request).on):
        return off("the gpu-operator runs it")
    return on("nothing else reports on the accelerators")


def plan(request: PlatformRequest) -> AddonPlan:
    values = {
        "nodeSelector": {"nvidia.com/gpu.present": "true"} if request.owner(Concern.NODE_FEATURES) else {},
        "tolerations": [{"operator": "Exists"}],
        "serviceMonitor": {"enabled": request.monitors()},
    }
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=release(NAME, request, values),
        needs=request.monitoring(),
        does=DOES,
    )
