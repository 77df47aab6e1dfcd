"""Access to the servers: the clients, and the way they come."""

from typing import Any

from components.labels import SERVICE_LABEL
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.work import ServicePlan
from components.serving.naming import CANARY, GATEWAYS, HTTP, MONITORING, PORT, STABLE, metadata, track_name
from components.spec.inference import RouteSpec

GATEWAY_CLASS = "penstock"
"""Of the Gateways that penstock makes: Envoy Gateway carries them out."""

ANSWER_S = 3600
"""A stream of tokens may take as long; the server's own deadline is what ends a request."""


def policy(service: ServicePlan) -> Manifest:
    """Pods of the namespace, the gateways and Prometheus may come; nobody else. The nodes of one replica may come to
    any port of each other.

    The port is a number: EKS looks for a name among the ports of those who come, finds none and lets nobody in
    (aws/amazon-network-policy-controller-k8s 81).

    Behind a Gateway that is there already anybody may: where its proxies stand, inside the cluster or before it, only
    who made it knows.
    """
    peers: list[dict[str, Any]] = [
        {"podSelector": {}},
        *(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
            for name in (MONITORING, GATEWAYS)
        ),
    ]
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": service.ports[0]}]}
    if not (service.route and service.route.gateway):
        rule["from"] = peers
    among = {"from": [{"podSelector": {"matchLabels": {SERVICE_LABEL: service.name}}}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(service.name, service),
        "spec": {
            "podSelector": {"matchLabels": {SERVICE_LABEL: service.name}},
            "policyTypes": ["Ingress"],
            "ingress": [rule, *([among] if service.nodes_per_replica > 1 else [])],
        },
    }


def route(service: ServicePlan) -> tuple[Manifest, ...]:
    """The way in from outside, with a canary's share of it; nothing where none is asked for."""
    asked = service.route
    if asked is None:
        return ()
    own = () if asked.gateway else (_proxy(service), _gateway(service, asked))
    return (*own, _http_route(service, asked))


def _proxy(service: ServicePlan) -> Manifest:
    """Settings of this Gateway's proxy in Envoy Gateway: an address inside the cluster, or a load balancer."""
    address: dict[str, Any] = {"type": "ClusterIP"}
    entry = service.entry
    if entry and entry.is_group:
        address |= {"annotations": dict(entry.annotations)}
    elif entry:
        address = {
            "type": "LoadBalancer",
            **({"loadBalancerClass": entry.service_class} if entry.service_class else {}),
            "loadBalancerSourceRanges": list(entry.source_ranges),
            "annotations": dict(entry.annotations),
        }
    selector = dict(entry.selector) if entry else {}
    placed = {"envoyDeployment": {"pod": {"nodeSelector": selector}}} if selector else {}
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyProxy",
        "metadata": metadata(service.name, service),
        "spec": {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": address, **placed}}},
    }


def _gateway(service: ServicePlan, asked: RouteSpec) -> Manifest:
    listener = {"name": HTTP, "port": PORT, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}
    parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": service.name}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": metadata(service.name, service),
        "spec": {
            "gatewayClassName": GATEWAY_CLASS,
            "listeners": [{**listener, "hostname": asked.host_name} if asked.host_name else listener],
            "infrastructure": {"parametersRef": parameters},
        },
    }


def _http_route(service: ServicePlan, asked: RouteSpec) -> Manifest:
    spec: dict[str, Any] = {
        "parentRefs": [{"name": asked.gateway or service.name, "namespace": NAMESPACE}],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                "timeouts": {"request": f"{ANSWER_S}s"},
                "backendRefs": _backends(service),
            }
        ],
    }
    if asked.host_name:
        spec["hostnames"] = [asked.host_name]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(service.name, service),
        "spec": spec,
    }


def _backends(service: ServicePlan) -> list[dict[str, Any]]:
    """Metrics and health stay inside: only the API is routed, by weight where a canary runs."""
    weights = {STABLE: 100}
    if service.canary:
        weights = {STABLE: 100 - service.canary.weight_percent, CANARY: service.canary.weight_percent}
    return [{"name": track_name(service, track), "port": PORT, "weight": weight} for track, weight in weights.items()]
