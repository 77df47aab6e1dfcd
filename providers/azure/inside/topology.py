"""NCCL's description of a node's PCI switches, which a virtual machine hides: a daemon set that writes it. Pure.

Source: Azure/azhpc-images 6db46df, topology/ndv5-topo.xml, for the addresses; without it an all-reduce of two nodes has
a third of the bandwidth (NVIDIA/aicr, results of 2026-07: 157 of some 450 GB/s).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from components.labels import OWN_LABELS, POOL_LABEL, SKIP_AWAIT
from components.plan.kubernetes import Manifest
from providers.azure.nodes.binding import TOPOLOGY_ON_NODE
from providers.azure.types import AzureNodePoolPlan

NAME = "penstock-nccl-topology"
IMAGE = "mcr.microsoft.com/oss/v2/kubernetes/pause:3.10"
WRITER = "mcr.microsoft.com/azurelinux/busybox:1.36"
_GPU, _CARD, _SWITCH = "0x030200", "0x020700", "0x060400"
"""Classes of PCI devices: 3D controller, InfiniBand controller, PCI bridge."""


@dataclass(frozen=True, slots=True)
class Side:
    """One processor with the GPUs and cards on its switches, in their order."""

    cores: str
    """Mask of its cores."""
    gpus: tuple[str, ...]
    """First parts of their PCI addresses."""


SIDES = {
    "ndv5": (
        Side("ffffffff,ffff0000,00000000", ("0001", "0002", "0003", "0008")),
        Side("00000000,0000ffff,ffffffff", ("0009", "000a", "000b", "000c")),
    ),
}
"""By the name that machine types have for it. Cards are 0101 to 0108, each beside the GPU of its number."""


def description(name: str) -> str:
    """The file itself."""
    return "\n".join(['<system version="1">', *_lines(SIDES[name]), "</system>", ""])


def topology_writer(pools: Sequence[AzureNodePoolPlan]) -> tuple[Manifest, ...]:
    """The files, and the daemon set that puts them on nodes of pools that need them; nothing where none does. It is not
    waited for: pods mount the folder and wait until it is there.
    """
    needed = sorted({pool.machine.topology for pool in pools if pool.binding.host_paths and pool.machine.topology})
    names = sorted(pool.name for pool in pools if pool.binding.host_paths and pool.machine.topology)
    return (_files(needed), _daemons(names)) if needed else ()


def _lines(sides: Sequence[Side]) -> Iterator[str]:
    link = 'link_speed="32.0 GT/s PCIe" link_width="16"'
    none = " ".join(f'{key}="0x0000"' for key in ("vendor", "device", "subsystem_vendor", "subsystem_device"))
    number = count(1)
    for index, side in enumerate(sides):
        yield (
            f'  <cpu numaid="{index}" affinity="{side.cores}" arch="x86_64" vendor="GenuineIntel" familyid="6" '
            'modelid="143">'
        )
        for gpu in side.gpus:
            card = next(number)
            yield f'    <pci busid="ffff:ff:{card:02x}.0" class="{_SWITCH}" {link} {none}>'
            yield f'      <pci busid="{gpu}:00:00.0" class="{_GPU}" {link}/>'
            yield f'      <pci busid="01{card:02x}:00:00.0" class="{_CARD}" {link}/>'
            yield "    </pci>"
        yield "  </cpu>"


def _files(names: Sequence[str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": "kube-system", "labels": dict(OWN_LABELS)},
        "data": {f"{name}.xml": description(name) for name in names},
    }


def _daemons(pools: Sequence[str]) -> Manifest:
    labels = {"app": NAME}
    terms = [{"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": list(pools)}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    small = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
    write = {
        "name": "write",
        "image": WRITER,
        "command": ["/bin/sh", "-c", "cp -L /files/*.xml /node/"],
        "resources": small,
        "volumeMounts": [{"name": "files", "mountPath": "/files"}, {"name": "node", "mountPath": "/node"}],
    }
    pod = {
        "priorityClassName": "system-node-critical",
        "affinity": {"nodeAffinity": required},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "initContainers": [write],
        "containers": [{"name": "stay", "image": IMAGE, "resources": small}],
        "volumes": [
            {"name": "files", "configMap": {"name": NAME}},
            {"name": "node", "hostPath": {"path": TOPOLOGY_ON_NODE, "type": "DirectoryOrCreate"}},
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": NAME, "namespace": "kube-system", "labels": dict(OWN_LABELS), "annotations": {SKIP_AWAIT: "true"},
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }  # fmt: skip
