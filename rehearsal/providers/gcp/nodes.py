"""Derives Kubernetes nodes from the account's node pools: their number, labels, taints, and what pods are offered.

Labels and taints: GKE, "About node labels and taints", "Topology-aware scheduling", "About TPUs in GKE".
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.field.allocatable import offered
from rehearsal.field.deployed import MachinePool
from rehearsal.providers.gcp.capacity import demand, zones_in
from rehearsal.providers.gcp.kinds.gke import CLUSTER
from rehearsal.providers.gcp.kinds.gke_pools import NODE_POOL
from rehearsal.providers.gcp.kinds.parts import last
from rehearsal.providers.gcp.legality import SPECIFIC, has_driver
from rehearsal.providers.gcp.machines import GPU, TPU, Machine, machine, size_of

NODE_TOKENS = frozenset({CLUSTER, NODE_POOL})
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
LAYERS = ("block", "subblock", "host")
TOPOLOGY = "cloud.google.com/gce-topology-"
GIB_KI = 1024 * 1024
OWN_CPU = 0.06, 0.01, 0.005, 0.005
"""Shares of the first cores that GKE keeps, and 0.25 % of all further ones ("Plan node sizes")."""


def nodes(account: Account) -> Iterator[SimulatedNodes]:
    """The nodes of each pool. Their number is known where the pool has what it asked for."""
    for thing in account.objects():
        if thing.token == NODE_POOL:
            group = _pool(account, thing)
            yield group if thing.status is Status.ACTIVE else replace(group, count=None)


def _pool(account: Account, thing: Object) -> SimulatedNodes:
    inputs, asked = thing.inputs, demand(account, thing.token, thing.inputs)
    config = inputs.get("nodeConfig") or {}
    found = machine_in(inputs)
    taints = tuple(
        {"key": one["key"], "value": one["value"], "effect": EFFECTS[one["effect"]]}
        for one in config.get("taints") or ()
    )
    own = tuple(one for one in own_taints(inputs, found) if one["key"] not in {each["key"] for each in taints})
    return SimulatedNodes(
        group=f"gke-{last(inputs.get('cluster'))}-{inputs['name']}",
        count=asked.count - thing.missing if asked else 0,
        labels={**own_labels(inputs, zones_in(account, inputs)[0]), **(config.get("labels") or {})},
        taints=(*taints, *own),
        allocatable=allocatable(inputs, found),
    )


def marks(inputs: Inputs) -> tuple[Mapping[str, str], tuple[Mapping[str, str], ...]]:
    """Labels and taints that GKE itself puts on the nodes of a pool with these inputs."""
    zone = str(next(iter(inputs.get("nodeLocations") or ()), inputs.get("location", "")))
    return own_labels(inputs, zone), tuple(own_taints(inputs, machine_in(inputs)))


def machine_in(inputs: Inputs) -> Machine | None:
    """The machine type of a pool's nodes."""
    return machine(str((inputs.get("nodeConfig") or {}).get("machineType") or "e2-medium"))


def own_labels(inputs: Inputs, zone: str) -> dict[str, str]:
    """Labels that GKE itself puts on the pool's nodes."""
    config, policy, found = inputs.get("nodeConfig") or {}, inputs.get("placementPolicy") or {}, machine_in(inputs)
    labels = {
        "cloud.google.com/gke-nodepool": str(inputs["name"]), "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": zone.rpartition("-")[0],
        "node.kubernetes.io/instance-type": str(config.get("machineType") or "e2-medium"),
        "kubernetes.io/arch": found.arch if found else "amd64",
        "cloud.google.com/gke-boot-disk": str(config.get("diskType") or "pd-balanced"),
    }  # fmt: skip
    for name, label in (("spot", "cloud.google.com/gke-spot"), ("flexStart", "cloud.google.com/gke-flex-start")):
        if config.get(name):
            labels[label] = "true"
    if found and found.is_tpu:
        labels["cloud.google.com/gke-tpu-accelerator"] = found.label
        labels["cloud.google.com/gke-tpu-topology"] = str(policy.get("tpuTopology") or ONE_HOST.get(found.chips, "1x1"))
    elif found and found.chips:
        labels["cloud.google.com/gke-accelerator"] = found.label
        labels["cloud.google.com/gke-accelerator-count"] = str(found.chips)
    layers = LAYERS[: layers_of(inputs, found)]
    return labels | {f"{TOPOLOGY}{layer}": f"{layer}-{inputs['name']}" for layer in layers}


ONE_HOST = {1: "1x1", 4: "2x2", 8: "2x4"}


def layers_of(inputs: Inputs, found: Machine | None) -> int:
    """Layers of the network that its nodes are labelled with: of large GPU machines that were reserved densely, started
    flexibly, or placed compactly (Google Cloud, "Topology-aware scheduling"; XPK, is_GPU_TAS_possible); never of TPUs.
    """
    config = inputs.get("nodeConfig") or {}
    reserved = (config.get("reservationAffinity") or {}).get("consumeReservationType") == SPECIFIC
    return found.layers if found and (reserved or config.get("flexStart")) else 0


def own_taints(inputs: Inputs, found: Machine | None) -> Iterator[Mapping[str, str]]:
    """Taints that GKE itself puts on the pool's nodes; on spot ones it puts none (GKE, "Spot VMs")."""
    if found and found.device:
        yield {"key": found.device, "value": "present", "effect": "NoSchedule"}
    if found and found.arch == "arm64":
        yield {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}
    if (inputs.get("queuedProvisioning") or {}).get("enabled"):
        yield {"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"}


def allocatable(inputs: Inputs, found: Machine | None) -> dict[str, Any]:
    """Resources that such nodes offer pods: as measured or by GKE's formula; the devices, where a driver is there."""
    config = inputs.get("nodeConfig") or {}
    if found is None:
        return {}
    pages = huge_pages_mib(config)
    pool = MachinePool(name="", machine_type=found.name, huge_pages_mib=pages)
    offer = offered("gcp", pool, size_of(found.name))
    memory_ki = offer.memory_ki if offer else int(found.memory_gib * GIB_KI)
    if row := memory_rows().get(found.name):
        memory_ki = min(memory_ki, int(row[0] * GIB_KI) - pages * 1024)
    told: dict[str, Any] = {"cpu": f"{cpu_m(found.vcpus)}m", "memory": f"{memory_ki}Ki"}
    if pages:
        told["hugepages-2Mi"] = f"{pages}Mi"
    if found.device == TPU or (found.device == GPU and has_driver(config)):
        told[found.device] = found.chips
    return told | _interfaces(inputs, found)


def cpu_m(vcpus: int) -> int:
    """Processors that GKE leaves pods, in thousandths."""
    kept = sum(share * 1000 for share in OWN_CPU[:vcpus]) + max(vcpus - len(OWN_CPU), 0) * 2.5
    return int(vcpus * 1000 - kept)


def huge_pages_mib(config: Inputs) -> int:
    """Pages of 2 MiB that the nodes set aside."""
    given = (config.get("linuxNodeConfig") or {}).get("hugepagesConfig") or {}
    return 2 * int(given.get("hugepageSize2m") or 0)


def _interfaces(inputs: Inputs, found: Machine) -> dict[str, Any]:
    """Resources of GKE's multi-networking, one for each Network object of a further interface (llm-d 1730)."""
    further = (inputs.get("networkConfig") or {}).get("additionalNodeNetworkConfigs") or ()
    plain = len(further) - found.rdma if found.rdma else len(further)
    names = [f"gvnic-{index + 1}" for index in range(max(plain, 0))]
    names += [f"rdma-{index}" for index in range(min(found.rdma, len(further)))]
    return {f"networking.gke.io.networks/{name}{end}": 1 for name in names for end in ("", ".IP")}


@cache
def memory_rows() -> Mapping[str, tuple[float, float]]:
    """memory.csv: GiB that a node offers, and GiB that a pod of all of it may ask at most, by machine type.

    By GKE's rules for Container-Optimized OS (kubernetes/autoscaler, gce/os_reserved.go; "Plan node sizes"); the second
    with daemons and 1 % off, and at most 93 % of the nominal memory.
    """
    with Path(__file__).with_name("memory.csv").open(newline="") as file:
        return {row["machine"]: (float(row["allocatable_gib"]), float(row["ask_gib"])) for row in csv.DictReader(file)}
