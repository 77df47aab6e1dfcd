"""Labels and taints that GKE itself puts on nodes, and what they leave to pods.

Sources: GKE, "About node labels and taints", "Topology-aware scheduling", "About TPUs in GKE", "Plan node sizes".
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from rehearsal.cloud.kind import Inputs
from rehearsal.providers.gcp.machines import Machine, machine
from rehearsal.providers.gcp.names import SPECIFIC

EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
LAYERS = ("block", "subblock", "host")
TOPOLOGY = "cloud.google.com/gce-topology-"


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
    flexibly, or placed compactly (Google Cloud, "Schedule GKE workloads with Topology Aware Scheduling", which says of
    spot that it works less well; XPK, is_GPU_TAS_possible); never of TPUs.
    """
    config = inputs.get("nodeConfig") or {}
    reserved = (config.get("reservationAffinity") or {}).get("consumeReservationType") == SPECIFIC
    compact = (inputs.get("placementPolicy") or {}).get("type") == "COMPACT"
    return found.layers if found and (reserved or compact or config.get("flexStart")) else 0


def own_taints(inputs: Inputs, found: Machine | None) -> Iterator[Mapping[str, str]]:
    """Taints that GKE itself puts on the pool's nodes; on spot ones it puts none (GKE, "Spot VMs")."""
    if found and found.device:
        yield {"key": found.device, "value": "present", "effect": "NoSchedule"}
    if found and found.arch == "arm64":
        yield {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}
    if (inputs.get("queuedProvisioning") or {}).get("enabled"):
        yield {"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"}


@cache
def memory_rows() -> Mapping[str, tuple[float, float]]:
    """memory.csv: GiB that a node offers, and GiB that a pod of all of it may ask at most, by machine type.

    By GKE's rules for Container-Optimized OS (kubernetes/autoscaler, gce/os_reserved.go; "Plan node sizes"); the second
    with daemons and 1 % off, and at most 93 % of the nominal memory.
    """
    with Path(__file__).with_name("memory.csv").open(newline="") as file:
        return {row["machine"]: (float(row["allocatable_gib"]), float(row["ask_gib"])) for row in csv.DictReader(file)}
