"""Names, labels and addresses of what a service becomes."""

from collections.abc import Mapping

from components.labels import OWN_LABELS, SERVICE_LABEL, TRACK_LABEL
from components.plan.kubernetes import NAMESPACE
from components.plan.work import ServicePlan

STABLE, CANARY = "stable", "canary"
"""The two tracks: the model, and the one beside it."""

HTTP = "http"
"""The name of the servers' port."""
PORT = 80
"""Of the Service and of the Gateway's listener."""
PROXY_PORT = 10080
"""On which the Gateway's proxies listen in their pods: a port below 1024 and 10000 more (envoyproxy/gateway,
internal/gatewayapi/helpers.go, servicePortToContainerPort)."""

MONITORING = "monitoring"
"""The namespace that Prometheus stands in, and from which it may read the servers' metrics."""
PROMETHEUS = f"http://prometheus-operated.{MONITORING}:9090"
"""The address that the Prometheus operator itself gives to every Prometheus, whatever its release is called."""
GATEWAYS = "envoy-gateway-system"
"""The namespace in which Envoy Gateway runs the proxies of every Gateway."""

GROUP_API, GROUP_KIND = "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"
"""Kind of servers whose replicas are groups of pods, one on each node."""


def labels(service: ServicePlan) -> Mapping[str, str]:
    """On everything that belongs to it."""
    return {**OWN_LABELS, SERVICE_LABEL: service.name}


def track_labels(service: ServicePlan, track: str) -> Mapping[str, str]:
    """By which one track's pods are selected; they never change, for a Deployment's selector cannot."""
    return {SERVICE_LABEL: service.name, TRACK_LABEL: track}


def follower_labels(service: ServicePlan, track: str) -> Mapping[str, str]:
    """On the pods of a replica that answer nobody: no Service and no budget selects them."""
    return {SERVICE_LABEL: service.name, TRACK_LABEL: f"{track}-follower"}


def track_name(service: ServicePlan, track: str) -> str:
    return service.name if track == STABLE else f"{service.name}-{track}"


def metadata(name: str, service: ServicePlan) -> dict[str, object]:
    return {"name": name, "namespace": NAMESPACE, "labels": dict(labels(service))}
