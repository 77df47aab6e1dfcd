"""Places for a pod: the nodes that its scheduler would take, were they empty."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rehearsal.kubernetes.nodes import fitting
from rehearsal.kubernetes.objects import Body, Objects, labels_of

HOST = "kubernetes.io/hostname"


def places(objects: Objects, pod: Body) -> list[Mapping[str, Any]]:
    """Nodes that fit the pod's selector, tolerations, requests and required affinity."""
    spec = pod["spec"]
    taken = set(_hosts_taken(objects, pod))
    nodes: list[Mapping[str, Any]] = fitting((body for key, body in objects.all() if key.startswith("|Node|")), spec)
    return [one for one in nodes if _wanted(one, spec) and one["metadata"]["name"] not in taken]


def missing_claim(objects: Objects, pod: Body) -> str:
    """The first claim of the pod that is not there, "" where all are."""
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if name and objects.at(f"|PersistentVolumeClaim|{pod['metadata']['namespace']}|{name}") is None:
            return str(name)
    return ""


def _required(spec: Mapping[str, Any], kind: str) -> Any:
    return ((spec.get("affinity") or {}).get(kind) or {}).get("requiredDuringSchedulingIgnoredDuringExecution")


def _wanted(node: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """True if one of the terms of the required node affinity holds."""
    terms = (_required(spec, "nodeAffinity") or {}).get("nodeSelectorTerms")
    fields = {"metadata.name": node["metadata"]["name"]}
    return terms is None or any(
        _hold(term.get("matchFields") or (), fields) and _hold(term.get("matchExpressions") or (), labels_of(node))
        for term in terms
    )


def _hold(rules: Iterable[Mapping[str, Any]], values: Mapping[str, str]) -> bool:
    return all(_holds(rule, values.get(rule["key"])) for rule in rules)


def _holds(rule: Mapping[str, Any], value: str | None) -> bool:
    match rule["operator"]:
        case "In":
            return value in rule["values"]
        case "NotIn":
            return value not in rule["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None


def _hosts_taken(objects: Objects, pod: Body) -> Iterator[str]:
    """Nodes with a pod beside which this one must not be."""
    for term in _required(pod["spec"], "podAntiAffinity") or ():
        wanted = (term.get("labelSelector") or {}).get("matchLabels") or {}
        for key, other in objects.all():
            is_other = key.startswith(f"|Pod|{pod['metadata']['namespace']}|") and other is not pod
            if is_other and term["topologyKey"] == HOST and wanted.items() <= labels_of(other).items():
                yield str(other["spec"].get("nodeName", ""))
