"""Replicas that follow the queue, and how many may be missing at once."""

import math
from typing import Any

from components.labels import SERVICE_LABEL
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.work import ServicePlan
from components.serving.engines import ENGINES
from components.serving.naming import (
    GATEWAYS,
    GROUP_API,
    GROUP_KIND,
    HTTP,
    PROMETHEUS,
    STABLE,
    metadata,
    track_labels,
)
from components.spec.inference import AutoscalingSpec, ScaledBy

CALM_S = 300
"""Seconds for which the higher number is kept: loading a model again costs more than a replica that idles."""
ASK_EVERY_S = 15

TURNED_AWAY = 'envoy_http_downstream_rq_xx{{envoy_response_code_class="5",job="{job}",{listener}}}'
"""Query of the requests that Envoy answers 5xx: Envoy Gateway has it do so both while a route has no server at all,
where there is no cluster to count anything, and while its only one loads. It is there from the proxy's start, so that
the first request shows.
"""
LISTENER = 'envoy_http_conn_manager_prefix=~"https?-.+"'
"""Those that Gateways asked for, and not those at which the proxy answers its probes and shows its numbers."""
QUIET_S = 900
"""Seconds without a request until the last server goes, at least: longer than one takes to start, so that it does not
go before whoever woke it has asked again."""


def of_pods(metric: str) -> str:
    """Name of an engine's metric as a custom metric of pods, by the adapter's rule: the API's names have no colon."""
    return metric.replace(":", "_")


def disruption(service: ServicePlan) -> Manifest:
    """One replica of the service at a time may be evicted; one that is not ready always."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(service.name, service),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": dict(track_labels(service, STABLE))},
        },
    }


def scaling(service: ServicePlan) -> tuple[Manifest, ...]:
    """Objects that read the queue and change the number of replicas; nothing where the number is fixed."""
    asked = service.autoscaling
    if asked is None:
        return ()
    monitors = (_monitor(service), *((_proxy_monitor(service),) if asked.to_zero else ()))
    return (*monitors, _keda(service, asked) if asked.by is ScaledBy.KEDA else _hpa(service, asked))


def _monitor(service: ServicePlan) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(service.name, service),
        "spec": {
            "selector": {"matchLabels": {SERVICE_LABEL: service.name}},
            "podMetricsEndpoints": [{"port": HTTP, "path": "/metrics", "interval": f"{ASK_EVERY_S}s"}],
        },
    }


def _proxy_monitor(service: ServicePlan) -> Manifest:
    """The proxies of the service's own Gateway, which Envoy Gateway labels and gives a port for this."""
    owner = "gateway.envoyproxy.io/owning-gateway"
    gateway = {f"{owner}-name": service.name, f"{owner}-namespace": NAMESPACE}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(_proxies(service), service),
        "spec": {
            "namespaceSelector": {"matchNames": [GATEWAYS]},
            "selector": {"matchLabels": gateway},
            "podMetricsEndpoints": [
                {"port": "metrics", "path": "/stats/prometheus", "interval": f"{ASK_EVERY_S}s"},
            ],
        },
    }


def _proxies(service: ServicePlan) -> str:
    return f"{service.name}-gateway"


def _keda(service: ServicePlan, asked: AutoscalingSpec) -> Manifest:
    row = ENGINES[service.engine]
    waiting = _trigger(f"sum({_of_servers(service, row.waiting)})", asked.waiting_per_replica)
    quiet_s = max(QUIET_S, math.ceil(service.start_s))
    rest = {"cooldownPeriod": quiet_s, "initialCooldownPeriod": quiet_s} if asked.to_zero else {}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(service.name, service),
        "spec": {
            "scaleTargetRef": _target(service),
            "minReplicaCount": asked.min_replicas,
            "maxReplicaCount": asked.max_replicas,
            "pollingInterval": ASK_EVERY_S,
            **rest,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_S}},
                }
            },
            "triggers": [waiting, *([_asked_for(service)] if asked.to_zero else [])],
        },
    }


def _trigger(query: str, threshold: int, **fields: str) -> dict[str, Any]:
    """Active while the query gives more than nothing."""
    metadata = {"serverAddress": PROMETHEUS, "query": query, "threshold": str(threshold), **fields}
    return {"type": "prometheus", "metricType": "AverageValue", "metadata": metadata}


def _asked_for(service: ServicePlan) -> dict[str, Any]:
    """1 while anybody asks, else 0: it holds one server up and never asks for a second.

    Empty where no proxy is counted, which is told to KEDA as an error: then the last server stays, as nothing would
    wake another.
    """
    away = TURNED_AWAY.format(job=f"{NAMESPACE}/{_proxies(service)}", listener=LISTENER)
    row = ENGINES[service.engine]
    underway = f"(sum({_of_servers(service, row.running)}) or vector(0))"
    done = f"(sum(increase({_of_servers(service, row.done)}[1m])) or vector(0))"
    return _trigger(f"(sum(increase({away}[1m])) + {underway} + {done}) > bool 0", 1, ignoreNullValues="false")


def _of_servers(service: ServicePlan, name: str) -> str:
    """The metric of the model's servers, without its canary's."""
    pods = "[0-9]+" if service.nodes_per_replica > 1 else "[a-z0-9]+-[a-z0-9]+"
    return f'{name}{{namespace="{NAMESPACE}",pod=~"{service.name}-{pods}"}}'


def _target(service: ServicePlan) -> dict[str, str]:
    """Object whose replicas are set."""
    if service.nodes_per_replica > 1:
        return {"apiVersion": GROUP_API, "kind": GROUP_KIND, "name": service.name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.name}


def _hpa(service: ServicePlan, asked: AutoscalingSpec) -> Manifest:
    target = {"type": "AverageValue", "averageValue": str(asked.waiting_per_replica)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(service.name, service),
        "spec": {
            "scaleTargetRef": _target(service),
            "minReplicas": asked.min_replicas,
            "maxReplicas": asked.max_replicas,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {"metric": {"name": of_pods(ENGINES[service.engine].waiting)}, "target": target},
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_S}},
        },
    }
