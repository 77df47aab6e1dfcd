"""Allocatable of a node of GKE with Container-Optimized OS."""

from components.estimate.nodes import EVICTION_GIB, PAGE_MAP, Room, allocatable_cores
from providers.gcp.catalog import GcpMachine

_KERNEL_GIB = 80 / 1024
_FIRMWARE_SHARE, _MOST_FIRMWARE_GIB = 0.00175, 248 / 1024
"""Memory that kernel, firmware and the host keep (GKE's cluster autoscaler, gce/os_reserved.go, 2026): within 0.12 % of
three measured nodes of 32 to 512 GiB."""
_SHARES = ((4.0, 0.25), (4.0, 0.20), (8.0, 0.10), (112.0, 0.06))
"""GiB of the capacity, lowest first, and GKE's reserve of each; 2 % of what lies above ("Plan GKE Standard node sizes",
2026-11)."""
_ABOVE = 0.02
_MARGIN_GIB = 0.3
"""Most by which the rule is above a measured node (a3-highgpu-8g, 0.27 GiB), rounded up."""


def allocatable(machine: GcpMachine, huge_pages_mib: int = 0) -> Room:
    """Resources that a node of this machine type says pods can have, daemons among them."""
    nominal = float(machine.memory_gib)
    firmware = min(nominal * _FIRMWARE_SHARE, _MOST_FIRMWARE_GIB)
    capacity = nominal * (1 - PAGE_MAP) - _KERNEL_GIB - firmware
    left = capacity - _reserved(capacity) - EVICTION_GIB - huge_pages_mib / 1024
    return Room(cores=allocatable_cores(machine.cores), memory_gib=max(0.0, left - _MARGIN_GIB))


_DAEMONS = Room(cores=1.0, memory_gib=3.5)
_DAEMON_SHARE = 0.04
"""Of a large node's memory, left alone: GKE's daemon sets were counted on small nodes only (0.45 cores and 0.65 GiB
with neither Dataplane V2 nor DCGM; 2i2c-org/infrastructure 2121, 2023-03), and no node from A3 on was measured."""


def daemons(machine: GcpMachine) -> Room:
    """Requests of the daemon sets of one node, GKE's own among them, and what is left for what nobody has measured."""
    share = float(machine.memory_gib) * _DAEMON_SHARE
    return Room(cores=_DAEMONS.cores, memory_gib=max(_DAEMONS.memory_gib, share))


def _reserved(capacity: float) -> float:
    kept, rest = 0.0, capacity
    for width, share in _SHARES:
        part = min(rest, width)
        kept, rest = kept + part * share, rest - part
    return kept + rest * _ABOVE
