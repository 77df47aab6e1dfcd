"""Pools as the nodes of a cluster show them, where the nodes are there to be asked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import MachinePool, at, every
from rehearsal.field.pods import quantity, requests

HOST = "kubernetes.io/hostname"
TYPE = "node.kubernetes.io/instance-type"
ARCHITECTURE = "kubernetes.io/arch"
HUGE = "hugepages-2Mi"
HEALTH = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
"""Beginnings of the taints that come and go with a node's state (Kubernetes, Taints and Tolerations)."""


def pools_of_nodes(
    nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]] | None = None
) -> Iterator[MachinePool]:
    """A pool for the nodes that are alike but for their host name, called as the first of them.

    Memory and cores of a pool are the least that one of its nodes tells, its daemons the most that hold one of them:
    those of `pods`, all of the cluster's, that daemon sets have made, whoever brought these.
    """
    held = None if pods is None else _held_by_daemons(pods)
    alike: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for node in nodes:
        marks = frozenset(_labels(node).items()), frozenset(frozenset(one.items()) for one in _taints(node))
        alike.setdefault((*marks, frozenset(_devices(node).items())), []).append(node)
    for same in alike.values():
        yield _pool(same, held)


def _held_by_daemons(pods: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Cpu in thousandths and memory in KiB by node."""
    held: dict[str, tuple[int, int]] = {}
    for pod in pods:
        if "DaemonSet" in every(pod, "metadata.ownerReferences.kind") and (
            node := str(pod["spec"].get("nodeName", ""))
        ):
            asked, (cpu_m, memory_ki) = requests(pod["spec"]), held.get(node, (0, 0))
            held[node] = cpu_m + int(asked.get("cpu", 0) * 1000), memory_ki + int(asked.get("memory", 0) / 1024)
    return held


def _pool(nodes: list[Mapping[str, Any]], held: Mapping[str, tuple[int, int]] | None) -> MachinePool:
    first, count, labels = nodes[0], len(nodes), _labels(nodes[0])
    told = [at(node, "status.allocatable") or {} for node in nodes]
    names = set.intersection(*map(set, told))
    least = {name: min((one[name] for one in told), key=quantity) for name in sorted(names)}
    return MachinePool(
        name=str(at(first, "metadata.name")),
        machine_type=labels.get(TYPE, ""),
        labels=labels,
        taints=_taints(first),
        minimum=count,
        desired=count,
        maximum=count,
        devices=_devices(first),
        huge_pages_mib=int(quantity(least.get(HUGE, 0)) / 2**20),
        architecture=labels.get(ARCHITECTURE, "amd64"),
        told=least,
        daemons=None if held is None else _most(held.get(str(at(node, "metadata.name")), (0, 0)) for node in nodes),
    )


def _most(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    cpu, memory = zip(*pairs, strict=True)
    return max(cpu), max(memory)


def _labels(node: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in (at(node, "metadata.labels") or {}).items() if key != HOST}


def _taints(node: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """As whoever made the node set them."""
    said = (node.get("spec") or {}).get("taints") or ()
    fixed = [one for one in said if not one["key"].startswith(HEALTH)]
    return tuple({name: one[name] for name in ("key", "value", "effect") if one.get(name)} for one in fixed)


def _devices(node: Mapping[str, Any]) -> dict[str, int]:
    """Resources that a plugin offers: those with a domain."""
    told = at(node, "status.allocatable") or {}
    return {name: int(quantity(count)) for name, count in told.items() if "/" in name}
