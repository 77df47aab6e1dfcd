"""The NVIDIA GPU operator: of driver, toolkit, device plugin and metrics, those that nobody else brings."""

from components.kubernetes.devices import NVIDIA
from components.plan.kubernetes import AddonPlan, Concern
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions

NAME = "gpu-operator"
PARTS = {
    "driver": Concern.DRIVER,
    "toolkit": Concern.CONTAINER_TOOLKIT,
    "devicePlugin": Concern.DEVICE_PLUGIN,
    "dcgmExporter": Concern.DCGM_EXPORTER,
    "dcgm": Concern.DCGM,
    "nfd": Concern.NODE_FEATURES,
}
"""By value key, what that part does."""
DOES = (Concern.DRIVER, Concern.CONTAINER_TOOLKIT, Concern.DEVICE_PLUGIN)


def verdict(request: PlatformRequest) -> AddonVerdict:
    if NVIDIA not in request.devices():
        return off("no pool has NVIDIA accelerators")
    missing = [concern.value for concern in DOES if request.owner(concern) is None]
    if not missing:
        return off(f"everything is there: {request.facts.owners[Concern.DEVICE_PLUGIN].reason}")
    return on(f"nothing else brings the {' and the '.join(missing)}")


def plan(request: PlatformRequest) -> AddonPlan:
    """Node feature discovery is an add-on of its own: the operator's and the network operator's would be two."""
    values = {
        **{key: {"enabled": _is_ours(request, key)} for key in PARTS},
        "daemonsets": {"tolerations": [{"operator": "Exists"}]},
        "migManager": {"enabled": False},
        "mig": {"strategy": "mixed"},
    }
    chart = release(NAME, request, merged(values, _driver(request), _metrics(request), _operator(request)), 1200)
    does = tuple(concern for key, concern in PARTS.items() if chart.values[key].get("enabled"))
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=chart,
        crds=("clusterpolicies.nvidia.com",),
        needs=("node-feature-discovery", *request.monitoring()),
        does=does,
    )


def _is_ours(request: PlatformRequest, key: str) -> bool:
    if key == "nfd":
        return False
    if key == "dcgm":
        # A host engine beside the exporter's own is for those that read it over the network.
        return bool(request.asked("nvsentinel").enabled) and request.owner(Concern.DCGM) is None
    return request.owner(PARTS[key]) is None


def _driver(request: PlatformRequest) -> dict[str, object]:
    """GPUDirect needs the peer-memory module, which only the operator's own driver can load."""
    rdma = request.driver_is_operators() and bool(request.fabric_devices())
    return {"driver": {"rdma": {"enabled": rdma}}, "gdrcopy": {"enabled": rdma}}


def _metrics(request: PlatformRequest) -> dict[str, object]:
    return {"dcgmExporter": {"serviceMonitor": {"enabled": request.monitors()}}}


def _operator(request: PlatformRequest) -> dict[str, object]:
    """The chart's 350 MiB are exceeded on large clusters."""
    resources = {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"cpu": "500m", "memory": "1Gi"}}
    return merged({"operator": {"resources": resources}}, selected(request, "operator.nodeSelector"))
