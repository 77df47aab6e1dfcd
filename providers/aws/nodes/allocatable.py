"""Allocatable of a node of EKS: Amazon Linux 2023 (nodeadm); Bottlerocket keeps the same."""

from components.estimate.nodes import EVICTION_GIB, PAGE_MAP, Room, allocatable_cores
from providers.aws.catalog import AwsMachine

_FIRMWARE_GIB, _FIRMWARE_SHARE = 230 / 1024, 0.0135
"""Memory that Nitro and firmware keep. Short of the truth by up to 0.65 % of the memory, and never too much for a
machine of 16 GiB and more, on 12 measured nodes (2023 to 2025)."""
_SMALL_GIB, _SMALL_SHARE = 16, 0.93
"""Below so many GiB the share is less regular: a machine of 8 GiB with Inferentia shows 0.9356 of them."""

_RESERVED_MIB, _RESERVED_MIB_PER_ADDRESS = 255, 11
"""Kube-reserved memory (awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go). Of the addresses that the machine
type can have, whatever the kubelet's maxPods is."""

EFA_HUGE_PAGES_MIB = 10256
"""The EFA driver of the AL2023 images sets 5128 pages of 2 MiB aside (EKS User Guide, "Manage EFA devices"). What the
kubelet finds set aside it takes off the memory, asked for or not."""


def allocatable(machine: AwsMachine, efa_devices: int) -> Room:
    """Resources that a node of this machine type says pods can have."""
    memory_gib = float(machine.memory_gib)
    capacity_gib = memory_gib * (1 - PAGE_MAP - _FIRMWARE_SHARE) - _FIRMWARE_GIB
    if memory_gib < _SMALL_GIB:
        capacity_gib = min(capacity_gib, memory_gib * _SMALL_SHARE)
    addresses = machine.cards[0].interfaces * (machine.addresses_per_interface - 1) + 2
    reserved_mib = _RESERVED_MIB + _RESERVED_MIB_PER_ADDRESS * addresses
    pages_mib = EFA_HUGE_PAGES_MIB if efa_devices else 0
    left_gib = capacity_gib - (reserved_mib + pages_mib) / 1024 - EVICTION_GIB
    return Room(cores=allocatable_cores(machine.cores), memory_gib=max(0.0, left_gib))
