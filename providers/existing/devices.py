"""Devices of a node beside cores and memory, by the resource names of the vendors' device plugins."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from components.fabric import Collective, Fabric
from components.kubernetes.devices import AMD, EFA, NEURON, NVIDIA, RDMA, TPU


class Vendor(StrEnum):
    """Vendor of the accelerators."""

    NVIDIA = "nvidia"
    AMD = "amd"
    AWS = "aws"
    GOOGLE = "google"


ACCELERATORS: Mapping[str, Vendor] = {
    NVIDIA: Vendor.NVIDIA,
    AMD: Vendor.AMD,
    NEURON: Vendor.AWS,
    TPU: Vendor.GOOGLE,
}
"""Whole chips. Slices of one (`nvidia.com/mig-1g.10gb`) and Neuron's cores are others, never asked for."""

RDMA_PREFIXES = (RDMA, "nvidia.com/rdma", "nvidia.com/hostdev", "mellanox.com/", "openshift.io/mlx")
"""Resource names that the RDMA shared device plugin, the SR-IOV plugin and NVIDIA's network operator are given in their
own examples; a cluster's administrator may choose others, which `existing.machines` then names with its fabric."""

_MOST_ADAPTERS = 32
"""No machine has more adapters for its fabric; a resource of more is one that pods share (`rdmaHcaMax`)."""

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "cloud.google.com/gke-tpu-accelerator")
"""Node labels with the chip's name (GPU feature discovery, AMD's node labeller, GKE)."""

MEMORY_LABEL_MIB = "nvidia.com/gpu.memory"


_SLICES = re.compile(
    r"nvidia\.com/mig-.+|.+/gpu\.shared|.+/mig-.+\.shared|amd\.com/(d|q|c)px(_.+)?|aws\.amazon\.com/neuroncore"
)
"""Parts of a chip: MIG profiles and shared ones (NVIDIA device plugin, README), partitions (AMD device plugin, resource
naming strategies), cores (Neuron device plugin)."""

_SHARING = "nvidia.com/gpu.sharing-strategy"
"""Label by which GPU feature discovery tells that a card stands for several: none, mps or time-slicing."""


def is_slice(resource: str) -> bool:
    """True for a resource that is a part of a chip, or a turn on one."""
    return _SLICES.fullmatch(resource) is not None


def vendor_of(resource: str) -> Vendor:
    """The vendor of a chip's resource, or of that of a part of one."""
    return next(vendor for name, vendor in ACCELERATORS.items() if name.partition("/")[0] == resource.partition("/")[0])


def whole_first(devices: Mapping[str, int]) -> dict[str, int]:
    """The devices that pods of a node ask for: where it has whole chips, no parts of others."""
    whole = accelerator_resource(devices) is not None
    return {name: count for name, count in devices.items() if not (whole and is_slice(name))}


def slicing(devices: Iterable[str], labels: Mapping[str, str]) -> str:
    """The evidence that a node offers parts of chips and no whole ones; "" where there is none."""
    names = list(devices)
    if parts := [name for name in names if is_slice(name)]:
        return "" if accelerator_resource(names) else ", ".join(parts)
    product = next((labels[key] for key in PRODUCT_LABELS if key in labels), "")
    if "-MIG-" in product or product.endswith("-SHARED"):
        return product
    return f"{_SHARING}={labels[_SHARING]}" if labels.get(_SHARING, "none") != "none" else ""


def asked_of(resource: str, offered: int) -> int:
    """Number that a pod asks for: of a device that many pods share, one stands for all (RDMA shared device plugin)."""
    return 1 if resource.startswith(RDMA) and ("shared" in resource or offered > _MOST_ADAPTERS) else offered


def accelerator_resource(devices: Iterable[str]) -> str | None:
    """The resource name of the node's chips; None where it offers none."""
    return next((name for name in devices if name in ACCELERATORS), None)


def fabric_of_resource(name: str) -> Fabric | None:
    """Fabric that a device carries between machines; None for a device that carries nothing."""
    if name == EFA:
        return Fabric.EFA
    return Fabric.RDMA if name.startswith(RDMA_PREFIXES) else None


def fabric_of(devices: Iterable[str]) -> Fabric:
    """The fabric that the devices are for; Ethernet where none of them is for one."""
    return next((found for name in devices if (found := fabric_of_resource(name))), Fabric.ETHERNET)


def is_device(name: str) -> bool:
    """True if a resource of a node is an accelerator or a fabric device."""
    return name in ACCELERATORS or is_slice(name) or fabric_of_resource(name) is not None


def collective(accelerator: str | None) -> Collective:
    """With which library ranks talk where the chips are those of that resource name.

    AMD's own library has NCCL's interface and torch's name for it. Torch has none for TPUs.
    """
    match ACCELERATORS.get(accelerator or ""):
        case Vendor.NVIDIA | Vendor.AMD:
            return Collective.NCCL
        case Vendor.AWS:
            return Collective.NEURON
        case _:
            return Collective.GLOO
