"""Allocatable: a node offers what such nodes were measured to offer, less what daemons ask. KiB throughout.

Rows and formulas: nodes.csv beside this file. A measured row counts before a formula; the formulas never promise more
than any measured node from 16 GiB up printed.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from rehearsal.field.deployed import Deployment, Finding, MachinePool
from rehearsal.field.facts import MachineSize
from rehearsal.field.landing import asked_by_daemons, has_accelerators
from rehearsal.field.pods import PodUse, pods_of, quantity, requests, why_elsewhere

MIB, GIB = 1024, 1024 * 1024
HUGE = "hugepages-2Mi"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One line of nodes.csv; None where nobody printed the value."""

    cloud: str
    machine_type: str
    nominal_memory_gib: float | None
    capacity_memory_ki: int | None
    allocatable_memory_ki: int | None
    allocatable_cpu_m: int | None
    hugepages_2mi_mib: int
    max_pods: int | None
    kind: str
    source: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Room for pods on an empty node."""

    memory_ki: int
    cpu_m: int | None
    source: str


def allocatable(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each pod that no node of its pools has room for."""
    for body in deployment.objects:
        for pod in pods_of(body):
            yield from _judged(deployment, pod)


def _judged(deployment: Deployment, pod: PodUse) -> Iterator[Finding]:
    if not deployment.pools:
        return
    reasons = {pool.name: why_elsewhere(pool, pod.spec) for pool in deployment.pools}
    pools = [pool for pool in deployment.pools if not reasons[pool.name]]
    if not pools:
        said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        message = f"no node takes it, so it stays pending ({said})"
        yield Finding(rule="allocatable", subject=pod.subject, message=message, source=SCHEDULER)
        return
    short = [_shortage(deployment, pool, requests(pod.spec)) for pool in pools]
    if all(short):
        message, source = next(one for one in short if one)
        yield Finding(rule="allocatable", subject=f"{pod.subject} on {pools[0].name}", message=message, source=source)


def _shortage(deployment: Deployment, pool: MachinePool, asked: Mapping[str, Decimal]) -> tuple[str, str] | None:
    """The first resource that a node of the pool has too little of, in words, and the source; None where it fits."""
    for name, count in pool.devices.items():
        if count and asked.get(name, 0) > count:
            return f"asks {asked[name]} {name}, and {_machine(pool)} has {count}: it stays pending", SCHEDULER
    found = _least_offered(deployment, pool)
    if found is None:
        if has_accelerators(pool):
            return f"nobody measured {pool.machine_type}: add a row to nodes.csv", "nodes.csv"
        return None
    cpu_m, memory_ki = asked_by_daemons(deployment, pool)
    wanted_ki, wanted_m = int(asked.get("memory", 0) / 1024), int(asked.get("cpu", 0) * 1000)
    if wanted_ki > found.memory_ki - memory_ki:
        offer = (found.memory_ki - memory_ki) // MIB
        message = (
            f"asks {wanted_ki // MIB} Mi on {_machine(pool)}, which offers {offer} Mi "
            f"({memory_ki // MIB} of daemons and {pool.huge_pages_mib} of huge pages are off): it stays pending"
        )
        return message, found.source
    if found.cpu_m is not None and wanted_m > found.cpu_m - cpu_m:
        message = f"asks {wanted_m}m cpu on {_machine(pool)}, which offers {found.cpu_m - cpu_m}m: it stays pending"
        return message, found.source
    if int(asked.get(HUGE, 0) / 1024) > pool.huge_pages_mib * MIB:
        message = f"asks {int(asked[HUGE] / 1024) // MIB} Mi of huge pages, and {_machine(pool)} sets aside "
        return f"{message}{pool.huge_pages_mib} Mi: it stays pending", found.source
    return None


def _least_offered(deployment: Deployment, pool: MachinePool) -> Offer | None:
    """The least that a node offers, whichever of the pool's machine types it is; None where one is unknown."""
    sizes = deployment.facts.sizes_of
    offers = [
        offered(deployment.facts.nodes, replace(pool, machine_type=name), sizes(name) if sizes else None)
        for name in (pool.machine_type, *pool.others)
    ]
    offers += [
        Offer(memory_ki=row.expected_ki(size.memory_mib / 1024, pool.most_pods, pool.architecture), cpu_m=None,
              source=row.expected_source)
        for row in deployment.facts.provisioners
        for name in (pool.machine_type, *pool.others)
        if row.chart == pool.provisioner and sizes and (size := sizes(name))
    ]  # fmt: skip
    known = [one for one in offers if one is not None]
    return min(known, key=lambda one: one.memory_ki) if len(known) == len(offers) else None


def offered(cloud: str, pool: MachinePool, size: MachineSize | None = None) -> Offer | None:
    """The offer of a node: as it prints it, else as such nodes were measured, else by formula from its nominal memory,
    in nodes.csv or as the cloud describes it; None if unknown.
    """
    if pool.told is not None:
        memory, cpu = quantity(pool.told.get("memory", 0)), quantity(pool.told.get("cpu", 0))
        return Offer(memory_ki=int(memory / 1024), cpu_m=int(cpu * 1000), source="the node itself")
    rows = node_rows().get((cloud, pool.machine_type), ())
    pages_ki = pool.huge_pages_mib * MIB
    measured = [(with_pages, row) for row in rows if (with_pages := _before_pages(row))]
    cpu_m = next((row.allocatable_cpu_m for row in rows if row.allocatable_cpu_m), None)
    if measured:
        memory_ki, row = min(measured, key=lambda one: one[0])
        return Offer(memory_ki=memory_ki - pages_ki, cpu_m=cpu_m, source=f"measured: {row.source}")
    for row in rows:
        formula = FORMULAS.get(cloud)
        if row.nominal_memory_gib and formula:
            memory_ki = formula(row.nominal_memory_gib, row.max_pods or 110)
            return Offer(memory_ki=memory_ki - pages_ki, cpu_m=cpu_m, source=SOURCES[cloud])
    if size and (formula := FORMULAS.get(cloud)):
        memory_ki = formula(size.memory_mib / 1024, size.pods)
        return Offer(memory_ki=memory_ki - pages_ki, cpu_m=None, source=SOURCES[cloud])
    return None


def _before_pages(row: NodeRow) -> int | None:
    """Allocatable memory of a measured node, had it set no huge pages aside."""
    if row.kind != "measured":
        return None
    pages_ki = row.hugepages_2mi_mib * MIB
    if row.allocatable_memory_ki:
        return row.allocatable_memory_ki + pages_ki
    if row.capacity_memory_ki and row.cloud == "aws":
        return row.capacity_memory_ki - _eks_reserved_ki(row.max_pods or 110)
    return None


def _eks_reserved_ki(pods: int) -> int:
    return (255 + 11 * pods + 100) * MIB


def _eks(nominal_gib: float, pods: int) -> int:
    """MemTotal as no measured node fell below it, less nodeadm's reserve and the eviction threshold. Below 16 GiB the
    share of the one that was measured: inf1.xlarge.
    """
    memory = nominal_gib * GIB
    total = memory * 63 / 64 - 230 * MIB - 0.0135 * memory
    return int(total if nominal_gib >= 16 else min(total, 0.9355 * memory)) - _eks_reserved_ki(pods)


def _gke(nominal_gib: float, _pods: int) -> int:
    """Kube-reserved is of the nominal memory, in steps of 1000 MiB; 128 MiB off, so that no row is too high."""
    reserved_mib, below = 0.0, 0.0
    for limit, share in ((4000.0, 0.25), (8000.0, 0.2), (16000.0, 0.1), (128000.0, 0.06), (1e12, 0.02)):
        reserved_mib += max(min(nominal_gib * 1024, limit) - below, 0) * share
        below = limit
    return int(nominal_gib * GIB * 63 / 64 - (16 + 64 + 128 + 100 + reserved_mib) * MIB)


def _aks(nominal_gib: float, pods: int) -> int:
    """Of 1.29 and later."""
    reserved_mib = min((20 * pods + 50) * 1e6 / 1024**2, nominal_gib * 1024 / 4)
    return int(nominal_gib * GIB * 63 / 64 - (290 + 100 + reserved_mib) * MIB)


def _kubeadm(nominal_gib: float, _pods: int) -> int:
    """A machine of one's own, with no reserve but the eviction threshold."""
    return int(nominal_gib * GIB * 63 / 64 - (550 + 100) * MIB)


FORMULAS = {"aws": _eks, "gcp": _gke, "azure": _aks, "coreweave": _kubeadm, "bare metal": _kubeadm}
SOURCES = {
    "aws": "awslabs/amazon-eks-ami nodeadm/internal/kubelet/config.go (2026-07-23); MemTotal fitted to nodes.csv",
    "gcp": "GKE, Plan node sizes; kubernetes/autoscaler cloudprovider/gce/reserved.go; MemTotal fitted to nodes.csv",
    "azure": "AKS, node resource reservations (2026-06-11)",
    "coreweave": "nodes.csv, machines of one's own",
    "bare metal": "nodes.csv, machines of one's own",
}
SCHEDULER = "Kubernetes, Assigning Pods to Nodes"


def _machine(pool: MachinePool) -> str:
    return pool.machine_type or f"a node of {pool.name}"


@cache
def node_rows() -> Mapping[tuple[str, str], tuple[NodeRow, ...]]:
    """nodes.csv by cloud and machine type, in its order."""
    found: dict[tuple[str, str], tuple[NodeRow, ...]] = {}
    with (Path(__file__).parent / "nodes.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            key = line["cloud"], line["machine_type"]
            found[key] = (*found.get(key, ()), _row(line))
    return found


def _row(line: Mapping[str, str]) -> NodeRow:
    def whole(name: str) -> int | None:
        text = line[name].partition(" ")[0]
        return int(float(text)) if text.replace(".", "", 1).isdigit() else None

    nominal = line["nominal_memory_gib"]
    return NodeRow(
        cloud=line["cloud"], machine_type=line["machine_type"], kind=line["kind"], source=line["source"].strip(),
        date=line["date"], nominal_memory_gib=float(nominal) if nominal else None,
        capacity_memory_ki=whole("capacity_memory_ki"), allocatable_memory_ki=whole("allocatable_memory_ki"),
        allocatable_cpu_m=whole("allocatable_cpu_m"), hugepages_2mi_mib=whole("hugepages_2mi_mib") or 0,
        max_pods=whole("max_pods"),
    )  # fmt: skip
