"""prometheus-adapter: metrics of pods for Kubernetes' own autoscaler."""

from components.plan.kubernetes import AddonPlan, Concern
from components.platform.addons.kube_prometheus_stack import HOST, PORT
from components.platform.request import AddonVerdict, PlatformRequest, off, on, release, selected
from components.platform.values import merged
from components.platform.versions import versions
from components.serving.engines import ENGINES
from components.serving.scaling import of_pods
from components.spec.inference import EngineKind, ScaledBy

NAME = "prometheus-adapter"
DOES: tuple[Concern, ...] = ()


def verdict(request: PlatformRequest) -> AddonVerdict:
    scaling = request.service.autoscaling if request.service else None
    if scaling is not None and scaling.by is ScaledBy.HPA:
        return on("the service's autoscaler asks for metrics of its pods")
    return off("no autoscaler asks for metrics of pods")


def plan(request: PlatformRequest) -> AddonPlan:
    """Custom metrics alone: external metrics have one server in a cluster, which is KEDA's."""
    metric = ENGINES[request.service.engine if request.service else EngineKind.PENSTOCK].waiting
    waiting = {
        "seriesQuery": f'{metric}{{namespace!="",pod!=""}}',
        "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        "name": {"as": of_pods(metric)},
        "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    }
    values = {
        "prometheus": {"url": f"http://{HOST}", "port": PORT},
        "rules": {"default": False, "custom": [waiting]},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
    }
    chart = release(NAME, request, merged(values, selected(request, "nodeSelector")))
    return AddonPlan(
        name=NAME,
        namespace=versions()[NAME].namespace,
        release=chart,
        needs=("kube-prometheus-stack",),
        does=(Concern.EXTERNAL_METRICS,) if chart.values["rules"].get("external") else (),
    )
