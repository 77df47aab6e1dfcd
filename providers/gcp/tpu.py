"""TPU slices: generation and topology decide machine type, nodes and placement."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from components.errors import Problem, SpecError
from components.spec.explain import suggestion


class Placement(StrEnum):
    """Way in which a slice's machines are put together."""

    NONE = "none"
    """One machine, which needs none."""
    COMPACT = "compact"
    """A placement policy with the topology, of the node pool."""
    WORKLOAD_POLICY = "workloadPolicy"
    """A resource policy of its own, HIGH_THROUGHPUT with the topology."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One generation of TPU, as GKE's node pools take it."""

    name: str
    accelerator: str
    """Row of components/accelerators.toml."""
    machines: dict[int, str]
    """Machine type by chips of one machine. More than one machine is always of four chips each."""
    single: dict[str, int]
    """Topology of one machine -> its chips."""
    cubes: int
    """Largest slice in cubes of 4x4x4 chips; 0 where topologies are flat."""
    flat: tuple[str, ...] = ()
    """Topologies of several machines, where they are flat."""
    ordered: bool = True
    """Dimensions of a slice of cubes never fall: 4x4x8, not 8x4x4."""
    workload_policy: bool = False


_FLAT = ("2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
GENERATIONS = {
    one.name: one
    for one in (
        Generation(
            name="v4", accelerator="tpu-v4", machines={4: "ct4p-hightpu-4t"}, single={"2x2x1": 4}, cubes=64,
            ordered=False,
        ),
        Generation(
            name="v5e", accelerator="tpu-v5e", single={"1x1": 1, "2x2": 4}, cubes=0, flat=_FLAT,
            machines={1: "ct5lp-hightpu-1t", 4: "ct5lp-hightpu-4t", 8: "ct5lp-hightpu-8t"},
        ),
        Generation(name="v5p", accelerator="tpu-v5p", machines={4: "ct5p-hightpu-4t"}, single={"2x2x1": 4}, cubes=140),
        Generation(
            name="v6e", accelerator="tpu-v6e", single={"1x1": 1, "2x2": 4}, cubes=0, flat=_FLAT,
            machines={1: "ct6e-standard-1t", 4: "ct6e-standard-4t", 8: "ct6e-standard-8t"},
        ),
        Generation(
            name="v7x", accelerator="tpu-v7x", machines={1: "tpu7x-standard-1t", 4: "tpu7x-standard-4t"},
            single={"1x1x1": 1, "2x2x1": 4}, cubes=144, workload_policy=True,
        ),
    )
}  # fmt: skip
"""Sources: GKE's cluster autoscaler, package machinetypes (2026); AI-Hypercomputer/xpk 367c838 (2026-06-25),
system_characteristics.py, for the legal topologies and the largest slices; cluster-toolkit 1047080, hardware.go."""

_CHIPS_OF_ONE_OF_SEVERAL = 4
_BELOW_A_CUBE = ("2x2x2", "2x2x4", "2x4x4")


@dataclass(frozen=True, slots=True, kw_only=True)
class TpuSlice:
    """A slice, decided: one node pool, made and repaired as a whole."""

    generation: str
    topology: str
    machine_type: str
    nodes: int
    chips_per_node: int
    placement: Placement

    @property
    def chips(self) -> int:
        return self.nodes * self.chips_per_node


def tpu_slice(generation: str, topology: str, path: str) -> TpuSlice:
    """The slice of that generation and topology; SpecError at `path` with the nearest legal ones where there is none.

    nodes = product of the topology / chips of a machine. A topology that fits one machine takes one.
    """
    row = GENERATIONS.get(generation)
    if row is None:
        known = ", ".join(GENERATIONS)
        message = (
            f"{generation!r} is no generation of TPU{suggestion(generation, tuple(GENERATIONS)) or f'; known: {known}'}"
        )
        raise SpecError([Problem(path=f"{path}.generation", message=message)])
    if topology in row.single:
        chips = row.single[topology]
        return TpuSlice(
            generation=generation, topology=topology, machine_type=row.machines[chips], nodes=1, chips_per_node=chips,
            placement=Placement.NONE,
        )  # fmt: skip
    if not _is_legal(row, topology):
        near = ", ".join(nearest(row, topology))
        message = f"{topology!r} is no slice of TPU {generation}; nearest: {near}"
        raise SpecError([Problem(path=f"{path}.topology", message=message)])
    return TpuSlice(
        generation=generation,
        topology=topology,
        machine_type=row.machines[_CHIPS_OF_ONE_OF_SEVERAL],
        nodes=_chips(topology) // _CHIPS_OF_ONE_OF_SEVERAL,
        chips_per_node=_CHIPS_OF_ONE_OF_SEVERAL,
        placement=Placement.WORKLOAD_POLICY if row.workload_policy else Placement.COMPACT,
    )


def nearest(row: Generation, topology: str, count: int = 3) -> tuple[str, ...]:
    """Legal topologies of that generation with about as many chips, in the order of their size."""
    asked = _chips(topology) or 1
    close = sorted(topologies(row), key=lambda one: (abs(math.log(_chips(one) / asked)), len(one), one))
    return tuple(sorted(close[:count], key=lambda one: (_chips(one), one)))


def topologies(row: Generation) -> tuple[str, ...]:
    """Every legal topology of a generation."""
    if row.flat:
        return (*row.single, *row.flat)
    return (*row.single, *_BELOW_A_CUBE, *_of_cubes(row))


def _of_cubes(row: Generation) -> Iterator[str]:
    sides = range(1, row.cubes + 1)
    for a, b in product(sides, sides):
        if a * b > row.cubes:
            continue
        for c in range(1, row.cubes // (a * b) + 1):
            if max(a, b, c) * 4 <= _LONGEST and (not row.ordered or a <= b <= c):
                yield f"{a * 4}x{b * 4}x{c * 4}"


_LONGEST = 256
"""Chips along one side of a slice (xpk, generate_tpu_topologies)."""


def _is_legal(row: Generation, topology: str) -> bool:
    return topology in topologies(row)


def _chips(topology: str) -> int:
    sides = topology.split("x")
    return math.prod(map(int, sides)) if all(side.isdigit() for side in sides) else 0
