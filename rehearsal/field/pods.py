"""Pods in the objects of any workload API, and the taints, labels and amounts by which a node takes them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rehearsal.field.deployed import MachinePool, every

HASH = re.compile(r"(-[0-9a-f]{8})?-[0-9a-f]{4,10}$")
"""The end of a name that is another with each change of what it names."""
SUFFIXES = {
    "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "": Decimal(1),
}  # fmt: skip
BLOCKING = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodUse:
    """A pod that an object makes."""

    subject: str
    spec: Mapping[str, Any]


def pods_of(body: Mapping[str, Any]) -> Iterator[PodUse]:
    """Every pod of the object, in whatever workload API it is."""
    subject = f"{body.get('kind', '')} {HASH.sub('', body.get('metadata', {}).get('name', ''))}"
    for spec in _specs(body.get("spec")):
        yield PodUse(subject=subject, spec=spec)


def _specs(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _specs(part)
    elif isinstance(value, Mapping):
        if isinstance(value.get("containers"), list):
            yield value
            return
        for part in value.values():
            yield from _specs(part)


def templates_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every template of a pod in a value, wherever the workload API has it."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from templates_of(part)
    elif isinstance(value, Mapping):
        spec = value.get("spec")
        if isinstance(spec, Mapping) and isinstance(spec.get("containers"), list):
            yield value
            return
        for part in value.values():
            yield from templates_of(part)


def untolerated(
    taints: tuple[Mapping[str, str], ...], tolerations: tuple[Mapping[str, Any], ...]
) -> Mapping[str, str] | None:
    """The first taint that keeps a pod off."""
    blocking = (taint for taint in taints if taint.get("effect") in BLOCKING)
    return next((taint for taint in blocking if not any(_covers(one, taint) for one in tolerations)), None)


def _covers(toleration: Mapping[str, Any], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def why_elsewhere(pool: MachinePool, spec: Mapping[str, Any]) -> str:
    """The label or taint that keeps the pod off the pool, "" where none does."""
    for key, value in (spec.get("nodeSelector") or {}).items():
        if pool.labels.get(key) != value and not (_is_made_by_nodes(key) and key not in pool.labels):
            return f"no label {key}={value}"
    terms = list(every(spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"))
    if terms and not any(_matches(pool, term) for term in terms):
        return "no required node affinity"
    taint = untolerated(pool.taints, tuple(spec.get("tolerations") or ()))
    return f"untolerated taint {taint['key']}" if taint else ""


def _matches(pool: MachinePool, term: Mapping[str, Any]) -> bool:
    return all(_holds(pool, row) for row in term.get("matchExpressions") or ())


def _holds(pool: MachinePool, row: Mapping[str, Any]) -> bool:
    key, found = row["key"], pool.labels.get(row["key"])
    if found is None and _is_made_by_nodes(key):
        return True  # known on the node alone
    match row["operator"]:
        case "In":
            return found in row["values"]
        case "NotIn":
            return found not in row["values"]
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case _:  # Gt and Lt compare what a pool is not made with
            return True


def _is_made_by_nodes(key: str) -> bool:
    """Labels that kubelets, cloud controllers and discovery put on nodes, whatever a pool was made with."""
    domain = key.partition("/")[0]
    return domain.endswith(("kubernetes.io", "k8s.io", "k8s.aws", "amazonaws.com", "nvidia.com"))


def requests(spec: Mapping[str, Any]) -> dict[str, Decimal]:
    """The sum that the scheduler counts: containers and sidecars, or the largest init container."""
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or ():
        for name, amount in _asked(container).items():
            total[name] = total.get(name, Decimal(0)) + amount
    largest: dict[str, Decimal] = {}
    for container in spec.get("initContainers") or ():
        for name, amount in _asked(container).items():
            if container.get("restartPolicy") == "Always":
                total[name] = total.get(name, Decimal(0)) + amount
            else:
                largest[name] = max(largest.get(name, Decimal(0)), amount)
    return {name: max(total.get(name, Decimal(0)), largest.get(name, Decimal(0))) for name in {*total, *largest}}


def _asked(container: Mapping[str, Any]) -> dict[str, Decimal]:
    resources = container.get("resources") or {}
    rows = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: quantity(amount) for name, amount in rows.items()}


def quantity(text: Any) -> Decimal:
    """`500m` as 0.5."""
    digits = str(text).rstrip("EGKMPTikm")
    return Decimal(digits) * SUFFIXES[str(text)[len(digits) :]]
