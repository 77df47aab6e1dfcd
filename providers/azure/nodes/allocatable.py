"""Allocatable of a node of AKS."""

from components.estimate.nodes import EVICTION_GIB, GIB, Room
from providers.azure.catalog import AzureMachine

MAX_PODS = 110
_SEEN_SHARE = 0.976
"""Share of the nominal memory that a node sees, by the lowest of two that were measured on AKS (16 GiB: 0.976, 56 GiB:
0.983; UCL/TLOmodel 1356, 2024-05). No node with InfiniBand was measured."""
_POD_BYTES, _BASE_BYTES, _MOST_SHARE = 20e6, 50e6, 0.25
_FIRST_CORE, _SECOND_CORE, _TO_FOUR, _ABOVE = 0.06, 0.04, 0.02, 0.01
"""Cores that each core keeps: 60, 100, 140, 180, 260, 420 and 740 thousandths of 1, 2, 4, 8, 16, 32 and 64 (AKS, "Node
resource reservations", 1.29 and later, 2026-06-11); above 64 by the same step."""


def allocatable(machine: AzureMachine, max_pods: int = MAX_PODS) -> Room:
    """Resources that a node of this machine type says pods can have, daemons among them."""
    seen = machine.memory_gib * _SEEN_SHARE
    kept = min((_POD_BYTES * max_pods + _BASE_BYTES) / GIB, machine.memory_gib * _MOST_SHARE)
    return Room(cores=machine.cores - _kept(machine.cores), memory_gib=max(0.0, seen - kept - EVICTION_GIB))


_DAEMONS = Room(cores=1.0, memory_gib=2.5)
_CORE_SHARE, _MEMORY_SHARE = 0.04, 0.05
"""Of a node with accelerators, left alone: drivers, exporters and three storage drivers ask for 2 cores and 2 to 6 GiB,
and what such a node really has nobody has published."""


def daemons(machine: AzureMachine) -> Room:
    """Requests of the daemon sets of one node, AKS's own among them, and what is left for what nobody has measured."""
    if machine.accelerator is None:
        return _DAEMONS
    return Room(
        cores=max(_DAEMONS.cores, machine.cores * _CORE_SHARE),
        memory_gib=max(_DAEMONS.memory_gib, machine.memory_gib * _MEMORY_SHARE),
    )


def _kept(cores: int) -> float:
    return _FIRST_CORE + _SECOND_CORE * (cores > 1) + _TO_FOUR * max(0, min(cores, 4) - 2) + _ABOVE * max(0, cores - 4)
