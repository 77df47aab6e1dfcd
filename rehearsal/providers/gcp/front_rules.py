"""Field rules of balancers over regions: who is let in, how long an answer may take, where the proxies are found."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.providers.gcp.names import ARMOR, BACKEND_SERVICE, CERTIFICATE, FIREWALL, HEALTH_CHECK, NETWORK, last

CHECKERS = frozenset({"35.191.0.0/16", "130.211.0.0/22"})
NEG, PROXY_PORT, LAST = "cloud.google.com/neg", 10080, 2_147_483_647
LONG_ANSWER_S = 600
"""A long answer of a model at ten tokens a second has some thousand tokens."""
ROUTED = "/v1/"
ARMED = "Cloud Armor, Security policy overview: a backend service without a policy answers everybody"
CHECKED = "Cloud Load Balancing, Health checks overview: probe ranges 35.191.0.0/16 and 130.211.0.0/22"
STANDALONE = "GKE, Container-native load balancing through standalone zonal NEGs"


def fronts(deployment: Deployment) -> Iterator[Finding]:
    """A front of Google's answers the whole internet, and ends an answer after 30 seconds, unless it is told."""
    policies = {last(one.id): one for one in deployment.of(ARMOR)}
    for service in deployment.of(BACKEND_SERVICE):
        if at(service.inputs, "loadBalancingScheme") not in ("EXTERNAL_MANAGED", "EXTERNAL", None):
            continue
        policy = policies.get(last(at(service.inputs, "securityPolicy") or ""))
        if policy is None:
            yield _found(service.name, "has no security policy: everybody on the internet may ask its servers", ARMED)
        elif not _ends_closed(policy):
            yield _found(policy.name, "its last rule lets in whoever no other names: deny it", ARMED)
        seconds = at(service.inputs, "timeoutSec") or 30
        if seconds < LONG_ANSWER_S:
            message = f"an answer ends after {seconds} s, and with it every stream of tokens that takes longer"
            yield _found(service.name, message, "Cloud Load Balancing, Backend service timeout: 30 seconds by default")


def _ends_closed(policy: BuiltResource) -> bool:
    rules = list(every(policy.inputs, "rules"))
    return any(at(one, "priority") == LAST and str(at(one, "action")).startswith("deny") for one in rules)


def groups(deployment: Deployment) -> Iterator[Finding]:
    """A group of endpoints is found by its name and zone, and reached by those whom the firewall lets in."""
    for body in deployment.objects:
        service = at(body, "spec.provider.kubernetes.envoyService")
        notes: Mapping[str, Any] = at(service, "annotations") or {}
        if body.get("kind") != "EnvoyProxy" or NEG not in notes:
            continue
        subject = f"EnvoyProxy {at(body, 'metadata.name')}"
        ports = json.loads(notes[NEG]).get("exposed_ports", {})
        if any("name" not in one for one in ports.values()):
            message = (
                "GKE names its group of endpoints by itself, anew for each cluster: no balancer can name it before"
            )
            yield _found(subject, message, STANDALONE)
        if not at(body, "spec.provider.kubernetes.envoyDeployment.pod.nodeSelector"):
            message = "its proxies run in any zone, and a group of endpoints is of one: those elsewhere get nothing"
            yield _found(subject, message, STANDALONE)
        if any(deployment.of(NETWORK)) and not _let_in(deployment):
            ranges = " and ".join(sorted(CHECKERS))
            message = f"no rule lets {ranges} to port {PROXY_PORT}: all its endpoints are unhealthy"
            yield _found(subject, message, CHECKED)


def _let_in(deployment: Deployment) -> bool:
    return any(
        set(every(one.inputs, "sourceRanges")) >= CHECKERS
        and any(str(port) == str(PROXY_PORT) for port in every(one.inputs, "allows.ports"))
        for one in deployment.of(FIREWALL)
    )


def checks(deployment: Deployment) -> Iterator[Finding]:
    """A Gateway's proxies route the API alone: another path is answered 404, and its endpoints count as unwell. A probe
    that a proxy answers by itself says nothing of the servers behind it."""
    for check in deployment.of(HEALTH_CHECK):
        path = at(check.inputs, "httpHealthCheck.requestPath") or "/"
        if not str(path).startswith(ROUTED):
            message = f"asks for {path}, which no route of the service has: 404, and the whole region gets nothing"
            yield _found(check.name, message, "components of penstock route /v1 alone; Health checks: a 200 is healthy")


def woken(deployment: Deployment) -> Iterator[Finding]:
    """Probes come by the proxy every few seconds, and count as requests: what scales to nothing never sleeps."""
    services = (at(one, "spec.provider.kubernetes.envoyService.annotations") for one in deployment.objects)
    grouped = any(NEG in (notes or {}) for notes in services)
    for body in deployment.objects:
        if grouped and body.get("kind") == "ScaledObject" and at(body, "spec.minReplicaCount") == 0:
            message = "sleeps when nobody asks, and a balancer over regions asks every few seconds"
            yield _found(f"ScaledObject {at(body, 'metadata.name')}", message, CHECKED)


def certificates(deployment: Deployment) -> Iterator[Finding]:
    """Without a record in the DNS beforehand Google proves a name by asking it: it must lead to the balancer first."""
    for one in deployment.of(CERTIFICATE):
        if list(every(one.inputs, "managed.domains")) and not list(every(one.inputs, "managed.dnsAuthorizations")):
            message = "has no DNS authorization: it comes only when the name leads here already, and no name moves over"
            yield _found(one.name, message, "Certificate Manager, Domain authorization for Google-managed certificates")


def _found(subject: str, message: str, source: str) -> Finding:
    return Finding(rule="gcp", subject=subject, message=message, source=source)


RULES = (fronts, groups, checks, woken, certificates)
