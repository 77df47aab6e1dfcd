"""Allocatable of a node, and what daemons leave of it to workloads.

The chain, on every cloud: capacity = nominal memory less the kernel's page map and what firmware keeps; allocatable =
capacity less the kubelet's reserve, its eviction threshold and all huge pages; room = allocatable less what daemon sets
ask for. A cloud whose nodes follow a rule of its own has it in its folder, made of the parts here.
"""

import math
from dataclasses import dataclass

from components.catalog import MachineType

GIB = 2**30

PAGE_MAP = 1 / 64
"""Share of the nominal memory that the kernel's map of its pages takes: 64 bytes for each page of 4 KiB."""

MEMORY_SHARES = ((4.0, 0.25), (4.0, 0.20), (8.0, 0.10), (112.0, 0.06))
"""GiB of a machine, lowest first, and the share of each that the node keeps; 2 % of what lies above."""
CORE_SHARES = ((1.0, 0.06), (1.0, 0.01), (2.0, 0.005))
"""The same for cores; 0.25 % of what lies above. EKS and GKE alike."""
EVICTION_GIB = 100 / 1024
"""Below that much free memory the kubelet ends pods."""
FIRMWARE_GIB = 550 / 1024
"""The most that firmware was seen to keep on bare metal (nodes of 1 and 2 TiB, kubeadm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Resources that all pods of one node can ask for together."""

    cores: float
    memory_gib: float


CAUTIOUS_DAEMONS = Room(cores=0.5, memory_gib=1.0)
"""Requests of the daemon sets that penstock's platform and the clouds bring, added up and rounded up."""
OWN_DAEMONS = Room(cores=0.25, memory_gib=0.5)
"""Of those that penstock's platform alone brings, its optional ones among them."""
DAEMON_STEP = Room(cores=0.5, memory_gib=1.0)
"""Steps to which counted requests are rounded up: a small daemon set that comes or goes must not change a job."""


def cautious_allocatable(machine: MachineType, huge_pages_mib: int) -> Room:
    """Allocatable of a node whose image and cloud say nothing of it.

    GKE's reserve, the widest of the large clouds ("Plan GKE Standard node sizes", 2026-11: EKS keeps 255 MiB and 11 MiB
    a pod, AKS 50 MiB and 20 MiB a pod), of what the page map and firmware leave.
    """
    memory_gib = machine.memory_gib * (1 - PAGE_MAP) - FIRMWARE_GIB - EVICTION_GIB - huge_pages_mib / 1024
    kept_gib = _kept(machine.memory_gib, MEMORY_SHARES, 0.02)
    return Room(cores=allocatable_cores(machine.cores), memory_gib=max(0.0, memory_gib - kept_gib))


def allocatable_cores(cores: float) -> float:
    """Cores that EKS and GKE leave of a machine's; exact on every node that was measured."""
    return cores - _kept(cores, CORE_SHARES, 0.0025)


def daemons_beside(others: Room) -> Room:
    """Requests of all daemon sets of a node on which those of others were counted."""
    return Room(
        cores=_rounded_up(others.cores + OWN_DAEMONS.cores, DAEMON_STEP.cores),
        memory_gib=_rounded_up(others.memory_gib + OWN_DAEMONS.memory_gib, DAEMON_STEP.memory_gib),
    )


def without_daemons(allocatable: Room, daemons: Room = CAUTIOUS_DAEMONS) -> Room:
    """Resources of one node that workloads can have; never less than nothing."""
    return Room(
        cores=max(0.0, int((allocatable.cores - daemons.cores) * 100) / 100),
        memory_gib=max(0.0, int((allocatable.memory_gib - daemons.memory_gib) * 100) / 100),
    )


def _rounded_up(amount: float, step: float) -> float:
    return math.ceil(amount / step) * step


def _kept(size: float, shares: tuple[tuple[float, float], ...], above: float) -> float:
    kept = 0.0
    for width, share in shares:
        part = min(size, width)
        kept += part * share
        size -= part
    return kept + size * above
