"""Devices of a node beside cores and memory, by the resource names of the vendors' device plugins."""

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

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "cloud.google.com/gke-tpu-accelerator")
"""Node labels with the chip's name (GPU feature discovery, AMD's node labeller, GKE)."""

MEMORY_LABEL_MIB = "nvidia.com/gpu.memory"


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
    return name in ACCELERATORS or fabric_of_resource(name) is not None


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
