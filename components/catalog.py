"""Chips and machine types as rows, and what a cloud can do as data."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.errors import Problem, UnsupportedError
from components.fabric import Fabric
from components.images import Architecture
from components.spec.explain import suggestion
from components.spec.scheduler import SchedulerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One kind of chip: a row of accelerators.toml."""

    name: str
    vendor: str
    reported: str
    """The name by which the vendor's driver calls it."""
    memory_gib: int
    bf16_tflops: float
    """Dense bf16 peak of one chip in 1e12 operations per second."""

    nvlink_domain: int = 0
    """Chips of the largest NVLink domain, where one spans machines; else 0."""

    def is_called(self, driver_name: str) -> bool:
        """True if a driver's name for a chip means this one; an L40S is no L4."""
        return re.search(rf"\b{re.escape(self.reported)}\b", driver_name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """One kind of machine that a cloud offers."""

    name: str
    cores: int
    memory_gib: float
    accelerator: Accelerator | None
    accelerator_count: int
    fabric: Fabric
    """The fabric between its accelerators and those of another machine of its kind."""
    fabric_gbps: float = 0.0
    """Of one machine, all its fabric interfaces together."""
    architecture: Architecture = Architecture.AMD64
    compute_domain: bool = False
    """Its accelerators reach those of other machines over NVLink, in a domain that a DRA driver makes for each job."""

    @property
    def domain_nodes(self) -> int:
        """Most machines of one NVLink domain: 1 where it ends at the machine."""
        spans = self.compute_domain and self.accelerator is not None and self.accelerator_count
        return max(1, self.accelerator.nvlink_domain // self.accelerator_count) if spans and self.accelerator else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Abilities of a cloud; a plan that asks for more is refused with this list."""

    schedulers: tuple[SchedulerKind, ...]
    """The first is the default; none where jobs cannot be handed in yet."""
    max_nodes_per_pool: int
    registry: bool = False
    """True if it keeps images for each stack: `stack.registry` in a stack file, and images that are left out there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Offer of one cloud."""

    cloud: str
    machine_types: Mapping[str, MachineType]
    capabilities: Capabilities
    regions: tuple[str, ...] = ()

    def machine_type(self, name: str, path: str) -> MachineType:
        """The row of that name; UnsupportedError that names the closest one when there is none."""
        if found := self.machine_types.get(name):
            return found
        known = sorted(self.machine_types)
        hint = suggestion(name, known) or f"; available: {', '.join(known)}"
        raise UnsupportedError([Problem(path=path, message=f"{name!r} is not a machine type of {self.cloud}{hint}")])


def accelerators() -> Mapping[str, Accelerator]:
    """Every chip that penstock knows, by name. An unknown or missing field of a row is a TypeError."""
    rows = tomllib.loads(Path(__file__).with_name("accelerators.toml").read_text())
    return {name: Accelerator(name=name, **row) for name, row in rows.items()}
