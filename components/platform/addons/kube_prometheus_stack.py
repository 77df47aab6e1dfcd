"""The Prometheus operator with Prometheus, Alertmanager and Grafana, and penstock's own dashboards and alerts."""

import json
from collections.abc import Iterator

from components.labels import JOB_LABEL, SERVICE_LABEL
from components.plan.kubernetes import NAMESPACE, AddonPlan, Concern, Manifest
from components.platform.alerts import GROUPS
from components.platform.dashboards import DASHBOARDS
from components.platform.request import AddonVerdict, PlatformRequest, object_of, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions
from components.spec.platform import KeptBy

NAME = "kube-prometheus-stack"
DOES = (Concern.PROMETHEUS_OPERATOR,)
HOST, PORT = "prometheus-operated.monitoring", 9090
"""The address that the operator gives to every Prometheus, whatever its release is called."""
DISK_GIB = 100
"""Of metrics: 15 days of 40,000 samples a second, at 1.5 bytes each (Prometheus, Storage)."""
JOB_PORT, SERVICE_PORT = "metrics", "http"
"""By which a job's and a service's pods are known, and the names of the ports that they serve metrics on."""


def verdict(request: PlatformRequest) -> AddonVerdict:
    if done := taken(request, Concern.PROMETHEUS_OPERATOR):
        return done
    if request.spec.metrics is KeptBy.CLOUD:
        return on("platform.metrics is cloud: it collects what the cloud keeps")
    if request.has_accelerators():
        return on("idle accelerators are billed; this shows them")
    return off("no pool has accelerators, and no autoscaler asks for metrics")


def plan(request: PlatformRequest) -> AddonPlan:
    """Takes every monitor and rule of the cluster, whoever made it. The control plane's own parts are not scraped: a
    managed one shows none, and alerts on them would never rest.
    """
    row = versions()[NAME]
    kinds = ("prometheuses", "prometheusrules", "servicemonitors", "podmonitors", "alertmanagers")
    paths = (
        "prometheusOperator.nodeSelector",
        "prometheus.prometheusSpec.nodeSelector",
        "alertmanager.alertmanagerSpec.nodeSelector",
        "grafana.nodeSelector",
        "kube-state-metrics.nodeSelector",
    )
    return AddonPlan(
        name=NAME,
        namespace=row.namespace,
        release=release(NAME, request, merged(_values(), _disk(request), selected(request, *paths)), 900),
        manifests=tuple(_dashboard(name, row.namespace) for name in DASHBOARDS),
        objects=(_alerts(row.namespace), *_monitors(request, row.namespace)),
        crds=tuple(f"{kind}.monitoring.coreos.com" for kind in kinds),
        webhooks=("monitoring/kps-operator",),
        does=DOES,
    )


def _values() -> dict[str, object]:
    selectors = ("serviceMonitor", "podMonitor", "probe", "rule", "scrapeConfig")
    prometheus = {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in selectors},
        "retention": "15d",
        "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}},
    }
    parts = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
    return {
        "fullnameOverride": "kps",
        "prometheus": {"prometheusSpec": prometheus},
        "grafana": {"sidecar": {"dashboards": {"enabled": True, "label": "grafana_dashboard", "labelValue": "1"}}},
        "prometheus-node-exporter": {"tolerations": [{"operator": "Exists"}]},
        **{part: {"enabled": False} for part in parts},
    }


def _disk(request: PlatformRequest) -> dict[str, object]:
    """Metrics on a disk of the cluster's default class, where penstock makes one: they outlive the pod, its node and an
    update. It goes with its namespace. Elsewhere the user's to give.
    """
    if request.facts.storage_class is None:
        return {}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{DISK_GIB}Gi"}}}
    spec = {"volumeClaimTemplate": {"spec": claim}}
    return {"prometheus": {"prometheusSpec": {"storageSpec": spec, "retentionSize": f"{DISK_GIB * 9 // 10}GiB"}}}


def _dashboard(name: str, space: str) -> Manifest:
    text = json.dumps(DASHBOARDS[name], sort_keys=True)
    manifest = object_of("v1", "ConfigMap", f"penstock-{name}", space, data={f"{name}.json": text})
    labels = {**manifest["metadata"]["labels"], "grafana_dashboard": "1"}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def _alerts(space: str) -> Manifest:
    groups = [{"name": f"penstock-{name}", "rules": list(rules)} for name, rules in GROUPS.items()]
    return object_of("monitoring.coreos.com/v1", "PrometheusRule", "penstock", space, spec={"groups": groups})


def _monitors(request: PlatformRequest, space: str) -> Iterator[Manifest]:
    """None for a service that is scaled: it brings its own, and two would count each of its requests twice."""
    yield _monitor("jobs", JOB_LABEL, JOB_PORT, space)
    if request.service is None or request.service.autoscaling is None:
        yield _monitor("services", SERVICE_LABEL, SERVICE_PORT, space)


def _monitor(name: str, label: str, port: str, space: str) -> Manifest:
    spec = {
        "namespaceSelector": {"matchNames": [NAMESPACE]},
        "selector": {"matchExpressions": [{"key": label, "operator": "Exists"}]},
        "podMetricsEndpoints": [{"port": port, "path": "/metrics", "interval": "15s"}],
    }
    return object_of("monitoring.coreos.com/v1", "PodMonitor", f"penstock-{name}", space, spec=spec)
