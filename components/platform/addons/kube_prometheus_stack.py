"""The Prometheus operator with Prometheus, Alertmanager and Grafana, and penstock's own dashboards and alerts."""

import json

from components.plan.kubernetes import NAMESPACE, AddonPlan, Concern, Manifest
from components.platform.alerts import GROUPS
from components.platform.dashboards import DASHBOARDS
from components.platform.request import Request, Verdict, object_of, off, on, release, selected, taken
from components.platform.values import merged
from components.platform.versions import versions

NAME = "kube-prometheus-stack"
DOES = (Concern.PROMETHEUS_OPERATOR,)
HOST, PORT = "kps-prometheus.monitoring", 9090
"""Prometheus' own address in the cluster."""
METRICS_LABEL = "penstock.dev/metrics"
"""On every pod of a job or a service that serves metrics; its value is the name of the port."""


def verdict(request: Request) -> Verdict:
    if done := taken(request, Concern.PROMETHEUS_OPERATOR):
        return done
    if request.has_accelerators():
        return on("accelerators that nobody watches are paid for and stand still")
    return off("no pool has accelerators, and no autoscaler asks for metrics")


def plan(request: Request) -> AddonPlan:
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
        release=release(NAME, request, merged(_values(), selected(request, *paths)), 900),
        manifests=tuple(_dashboard(name, row.namespace) for name in DASHBOARDS),
        objects=(_alerts(row.namespace), *_monitors(row.namespace)),
        crds=tuple(f"{kind}.monitoring.coreos.com" for kind in kinds),
        webhooks=("monitoring/kps-operator",),
        does=DOES,
        reason="",
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


def _dashboard(name: str, space: str) -> Manifest:
    text = json.dumps(DASHBOARDS[name], sort_keys=True)
    manifest = object_of("v1", "ConfigMap", f"penstock-{name}", space, data={f"{name}.json": text})
    labels = {**manifest["metadata"]["labels"], "grafana_dashboard": "1"}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def _alerts(space: str) -> Manifest:
    groups = [{"name": f"penstock-{name}", "rules": list(rules)} for name, rules in GROUPS.items()]
    return object_of("monitoring.coreos.com/v1", "PrometheusRule", "penstock", space, spec={"groups": groups})


def _monitors(space: str) -> tuple[Manifest, ...]:
    """One for each name of a port, as a monitor names its port."""
    return tuple(
        object_of(
            "monitoring.coreos.com/v1",
            "PodMonitor",
            f"penstock-{port}",
            space,
            spec={
                "namespaceSelector": {"matchNames": [NAMESPACE]},
                "selector": {"matchLabels": {METRICS_LABEL: port}},
                "podMetricsEndpoints": [{"port": port, "path": "/metrics", "interval": "15s"}],
            },
        )
        for port in ("metrics", "http")
    )
