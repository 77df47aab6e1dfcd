"""Daemon sets that others run on a cluster: which come onto a node, and what they ask for there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.estimate.nodes import Room
from components.kubernetes.inventory import noted, noted_addons
from components.kubernetes.quantities import quantity
from components.plan.cluster import Taint
from components.platform.versions import versions
from providers.existing.owners import software

Object = Mapping[str, Any]

SHARED_NAMESPACE = "kube-system"
"""Namespace of penstock's add-ons and of others' alike."""

KEEPS_OFF = ("NoSchedule", "NoExecute")
OWN_DOMAIN = "node.kubernetes.io/"
"""Of taints that come and go with a node's health. The daemon set controller has its pods tolerate them all (Kubernetes
documentation, "DaemonSet", taints and tolerations)."""


def others_daemons(workloads: Iterable[Object], inventory: Object | None) -> tuple[Object, ...]:
    """The daemon sets that penstock did not bring, which come and go with its own stack."""
    spaces = {versions()[name].namespace for name in noted_addons(inventory) if name in versions()} - {SHARED_NAMESPACE}
    own = set(noted(inventory))
    sets = [one for one in workloads if one["kind"] == "DaemonSet"]
    return tuple(
        one
        for one in sets
        if one["metadata"].get("namespace") not in spaces
        and not any(concern in own for found in software([one]) for concern in found.does)
    )


def asked_on(node: Object, daemons: Iterable[Object]) -> Room:
    """Requests of those that come onto the node."""
    pods = [one["spec"]["template"]["spec"] for one in daemons]
    landed = [pod for pod in pods if _lands(pod, node)]
    return Room(
        cores=round(sum(_request(pod, "cpu") for pod in landed), 3),
        memory_gib=round(sum(_request(pod, "memory") for pod in landed) / 2**30, 3),
    )


def _request(pod: Object, resource: str) -> float:
    """As the scheduler counts it: all containers with the sidecars, or the largest that runs before them, and the
    overhead (Kubernetes documentation, "Sidecar Containers", resource sharing within containers)."""
    before = pod.get("initContainers", ())
    stay = [one for one in before if one.get("restartPolicy") == "Always"]
    together = sum(_of(one, resource) for one in (*pod.get("containers", ()), *stay))
    largest = max((_of(one, resource) for one in before), default=0.0)
    return max(together, largest) + quantity((pod.get("overhead") or {}).get(resource, 0))


def _of(container: Object, resource: str) -> float:
    """Its request; where there is none, its limit, which the API server then takes for one."""
    resources = container.get("resources") or {}
    given = (resources.get("requests") or {}).get(resource, (resources.get("limits") or {}).get(resource, 0))
    return quantity(given)


def _lands(pod: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in (pod.get("nodeSelector") or {}).items()):
        return False
    affinity = (pod.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required and not any(_fits(term, node, labels) for term in required["nodeSelectorTerms"]):
        return False
    return not untolerated(node["spec"].get("taints", ()), pod.get("tolerations") or ())


def _fits(term: Object, node: Object, labels: Mapping[str, str]) -> bool:
    """All of a term's expressions hold; one with none of them selects nothing."""
    fields = {"metadata.name": node["metadata"]["name"]}
    found = [_holds(one, labels) for one in term.get("matchExpressions") or ()]
    found += [_holds(one, fields) for one in term.get("matchFields") or ()]
    return bool(found) and all(found)


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = str(expression["key"]), list(expression.get("values") or ())
    value = labels.get(key)
    number = int(value) if value is not None and value.isdigit() else None
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return number is not None and number > int(values[0])
        case "Lt":
            return number is not None and number < int(values[0])
        case _:
            return False


def untolerated(taints: Iterable[Object], tolerations: Sequence[Object]) -> list[Object]:
    """The taints that keep a pod with those tolerations off a node that is well."""
    strong = [one for one in taints if one["effect"] in KEEPS_OFF and not one["key"].startswith(OWN_DOMAIN)]
    return [one for one in strong if not any(_tolerates(toleration, one) for toleration in tolerations)]


def as_objects(taints: Iterable[Taint]) -> list[Object]:
    """The taints as a node has them."""
    return [{"key": one.key, "value": one.value, "effect": str(one.effect)} for one in taints]


def written(taint: Object) -> str:
    """As kubectl writes it: `team=ml:NoSchedule`."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))
