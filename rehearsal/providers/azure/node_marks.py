"""Labels and taints that AKS itself puts on nodes (AKS, use-labels, spot-node-pool, use-nvidia-gpu)."""

from collections.abc import Iterator, Mapping

from rehearsal.cloud.kind import Inputs
from rehearsal.providers.azure.machines import VirtualMachine, machine
from rehearsal.providers.azure.sizes import MACHINES, kind_of_pool, zones_of

SPOT = "kubernetes.azure.com/scalesetpriority"


def marks(inputs: Inputs) -> tuple[Mapping[str, str], tuple[Mapping[str, str], ...]]:
    """Labels and taints that AKS itself puts on the nodes of a pool with these inputs."""
    return own_labels(inputs), tuple(own_taints(inputs))


def pool_name(inputs: Inputs) -> str:
    return str(inputs.get("agentPoolName") or inputs.get("name"))


def own_labels(inputs: Inputs, location: str = "") -> dict[str, str]:
    """Labels of the pool's nodes. Of the network nothing is told but zone and host name."""
    name, found = pool_name(inputs), machine(str(inputs.get("vmSize")))
    zones = zones_of(inputs)
    labels = {
        "agentpool": name, "kubernetes.azure.com/agentpool": name,
        "kubernetes.azure.com/mode": str(inputs.get("mode") or "User").lower(),
        "kubernetes.azure.com/os-sku": str(inputs.get("osSKU") or "Ubuntu"),
        "kubernetes.azure.com/os-sku-effective": "Ubuntu2404",
        "kubernetes.azure.com/nodepool-type": kind_of_pool(inputs),
        "node.kubernetes.io/instance-type": str(inputs.get("vmSize")),
        "kubernetes.io/os": "linux", "kubernetes.io/arch": found.arch if found else "amd64",
        "topology.kubernetes.io/region": location,
        "topology.kubernetes.io/zone": "-".join(filter(None, (location, zones[0]))) if zones else "0",
    }  # fmt: skip
    if found and found.chips:
        labels |= {"accelerator": "nvidia", "kubernetes.azure.com/accelerator": "nvidia"}
    if inputs.get("scaleSetPriority") == "Spot":
        labels[SPOT] = "spot"
    return labels


def own_taints(inputs: Inputs) -> Iterator[Mapping[str, str]]:
    """Taints of the pool's nodes. Nodes with GPUs get none by themselves."""
    if inputs.get("scaleSetPriority") == "Spot":
        yield {"key": SPOT, "value": "spot", "effect": "NoSchedule"}


def given_taints(inputs: Inputs) -> Iterator[Mapping[str, str]]:
    """Those of `key=value:effect` that the program gives."""
    for one in inputs.get("nodeTaints") or ():
        mark, _, effect = str(one).rpartition(":")
        key, _, value = mark.partition("=")
        yield {"key": key, "value": value, "effect": effect}


def has_fabric(inputs: Inputs, found: VirtualMachine | None) -> bool:
    """True for nodes with InfiniBand: a scale set of such a size. Single machines have none (Azure/AKS, changelog of
    2025-07-20; AKS, virtual-machines-node-pools, limitations).
    """
    return bool(found and found.infiniband) and kind_of_pool(inputs) != MACHINES


def all_marks(inputs: Inputs) -> tuple[Mapping[str, str], tuple[Mapping[str, str], ...]]:
    """Labels and taints of a pool's nodes, those that the program gives among them: it writes taints as text."""
    given = tuple(given_taints(inputs))
    keys = {one["key"] for one in given}
    return own_labels(inputs), (*given, *(one for one in own_taints(inputs) if one["key"] not in keys))


def system_marks(cluster: Inputs) -> tuple[Mapping[str, str], tuple[Mapping[str, str], ...]]:
    """The same of the first pool in a cluster's own request."""
    return all_marks(next(iter(cluster.get("agentPoolProfiles") or ()), {}))
