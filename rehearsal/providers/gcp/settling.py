"""Controllers of GKE's own in a simulated cluster: networks for pods, groups of endpoints."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.settling import report
from rehearsal.providers.gcp.brought import GROUP, PARAMETERS, why_not_ready
from rehearsal.providers.gcp.kinds.parts import link
from rehearsal.providers.gcp.names import CLUSTER, ENDPOINT_GROUP, NETWORK


def network_of_pods(account: Account) -> Callable[[Objects, str, Body], bool]:
    """The controller: it sets the condition Ready, and says why not; it looks again until it is."""

    def settle(objects: Objects, key: str, body: Body) -> bool:
        named = (body["spec"].get("parametersRef") or {}).get("name", "")
        reason = why_not_ready(account, body, objects.at(f"{GROUP}|{PARAMETERS}||{named}"))
        report(objects, key, body, "Ready", reason)
        return not reason

    return settle


NEG, ZONE = "cloud.google.com/neg", "topology.kubernetes.io/zone"
PROXIES = "gateway.envoyproxy.io|EnvoyProxy"
"""Settings of a Gateway, of which Envoy Gateway makes the Service that a group of endpoints follows."""
GROUP_MIN = 0.0
"""At once: whoever waits for one asks Google, at which nothing in the simulated cluster goes on."""


def endpoint_groups(account: Account) -> Callable[[Objects, str, Body], bool]:
    """The controller of groups: one in each zone of the cluster, under the name of the annotation. None goes before its
    cluster here, as the real one is often late (GKE, "Container-native load balancing through standalone zonal NEGs",
    leaked groups)."""

    def settle(objects: Objects, key: str, body: Body) -> bool:  # noqa: ARG001 (the form of every controller)
        clusters = [one for one in account.objects() if one.token == CLUSTER]
        for cluster in clusters:
            for name in _named(body):
                for zone in sorted(_zones(objects)):
                    _keep(account, cluster, name, zone)
        return True

    return settle


def _named(proxy: Body) -> Iterator[str]:
    service = ((proxy["spec"].get("provider") or {}).get("kubernetes") or {}).get("envoyService") or {}
    asked: Mapping[str, Any] = json.loads((service.get("annotations") or {}).get(NEG) or "{}")
    yield from (one["name"] for one in asked.get("exposed_ports", {}).values() if "name" in one)


def _zones(objects: Objects) -> set[str]:
    nodes = (body["metadata"].get("labels") or {} for key, body in objects.all() if key.startswith("|Node|"))
    return {labels[ZONE] for labels in nodes if ZONE in labels}


def _keep(account: Account, cluster: Object, name: str, zone: str) -> None:
    project = cluster.id.partition("projects/")[2].partition("/")[0]
    path = f"projects/{project}/zones/{zone}/networkEndpointGroups/{name}"
    if account.get(ENDPOINT_GROUP, path) is None:
        account.add(
            Object(
                token=ENDPOINT_GROUP, id=path, called=f"a controller of {cluster.id}", region=cluster.region,
                inputs={"name": name}, outputs={"selfLink": link(path)}, status=Status.ACTIVE,
                blocks_deletion_of=[one for one in cluster.blocks_deletion_of if one.startswith(f"{NETWORK}|")],
            )
        )  # fmt: skip
