"""Allocatable capacity of a node: the rest is the node's own.

Convention, for every cloud alike: GKE's rule, the widest of the large clouds (GKE, "Plan GKE Standard node sizes",
2026-11: EKS keeps 255 MiB and 11 MiB a pod, AKS 50 MiB and 20 MiB a pod), and on top what daemon sets ask for: network,
storage and device plugins, log and metrics agents. An estimate, so that a pod that is asked for also fits.
"""

from dataclasses import dataclass

from components.catalog import MachineType

GIB = 2**30

MEMORY_SHARES = ((4.0, 0.25), (4.0, 0.20), (8.0, 0.10), (112.0, 0.06))
"""GiB of a machine, lowest first, and the share of each that the node keeps; 2 % of what lies above."""
CORE_SHARES = ((1.0, 0.06), (1.0, 0.01), (2.0, 0.005))
"""The same for cores; 0.25 % of what lies above."""
EVICTION_GIB = 100 / 1024
"""Below that much free memory the kubelet ends pods."""

DAEMON_CORES = 0.5
DAEMON_GIB = 1.0
"""Requests of the daemon sets that penstock's platform and the clouds bring, added up and rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Resources that all pods of one node can ask for together."""

    cores: float
    memory_gib: float


def room_for_pods(machine: MachineType) -> Room:
    """Resources of one node of this machine type that workloads can have; never less than nothing."""
    cores = machine.cores - _kept(machine.cores, CORE_SHARES, 0.0025) - DAEMON_CORES
    memory_gib = machine.memory_gib - _kept(machine.memory_gib, MEMORY_SHARES, 0.02) - EVICTION_GIB - DAEMON_GIB
    return Room(cores=max(0.0, round(cores, 2)), memory_gib=max(0.0, round(memory_gib, 2)))


def _kept(size: float, shares: tuple[tuple[float, float], ...], above: float) -> float:
    kept = 0.0
    for width, share in shares:
        part = min(size, width)
        kept += part * share
        size -= part
    return kept + size * above
