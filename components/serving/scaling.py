"""Replicas that follow the queue, and how many may be missing at once."""

from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.types import ServicePlan
from components.serving.naming import HTTP, PROMETHEUS, STABLE, metadata, track_labels
from components.spec.inference import AutoscalingSpec, ScaledBy

WAITING = "vllm:num_requests_waiting"
"""The server's own gauge: requests that wait for a place in the batch."""
WAITING_OF_PODS = "vllm_num_requests_waiting"
"""The same as a custom metric of pods, by the adapter's rule: the API's names have no colon."""

CALM_S = 300
"""Seconds for which the higher number is kept: loading a model again costs more than a replica that idles."""
ASK_EVERY_S = 15


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
    """What reads the queue and what changes the number of replicas; nothing where the number is fixed."""
    asked = service.autoscaling
    if asked is None:
        return ()
    return _monitor(service), _keda(service, asked) if asked.by is ScaledBy.KEDA else _hpa(service, asked)


def _monitor(service: ServicePlan) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(service.name, service),
        "spec": {
            "selector": {"matchLabels": {"penstock.dev/service": service.name}},
            "podMetricsEndpoints": [{"port": HTTP, "path": "/metrics", "interval": f"{ASK_EVERY_S}s"}],
        },
    }


def _keda(service: ServicePlan, asked: AutoscalingSpec) -> Manifest:
    waiting = f'sum({WAITING}{{namespace="{NAMESPACE}",pod=~"{service.name}-[a-z0-9]+-[a-z0-9]+"}})'
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(service.name, service),
        "spec": {
            "scaleTargetRef": {"name": service.name},
            "minReplicaCount": asked.min_replicas,
            "maxReplicaCount": asked.max_replicas,
            "pollingInterval": ASK_EVERY_S,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_S}},
                }
            },
            "triggers": [
                {
                    "type": "prometheus",
                    "metricType": "AverageValue",
                    "metadata": {
                        "serverAddress": PROMETHEUS,
                        "query": waiting,
                        "threshold": str(asked.waiting_per_replica),
                    },
                }
            ],
        },
    }


def _hpa(service: ServicePlan, asked: AutoscalingSpec) -> Manifest:
    target = {"type": "AverageValue", "averageValue": str(asked.waiting_per_replica)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(service.name, service),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.name},
            "minReplicas": asked.min_replicas,
            "maxReplicas": asked.max_replicas,
            "metrics": [{"type": "Pods", "pods": {"metric": {"name": WAITING_OF_PODS}, "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_S}},
        },
    }
