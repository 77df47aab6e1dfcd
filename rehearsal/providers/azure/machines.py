"""Virtual machine sizes as Azure and its users describe them: read by the simulated Azure alone, never by the planner.

machines.csv: one row for each size with accelerators (MicrosoftDocs/azure-compute-docs, sizes/gpu-accelerated, 2026-09;
InfiniBand from Azure/ai-infrastructure-on-azure a01b073, 2026-04-22; names of families as usages print them).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rehearsal.field.facts import MachineSize

GPU, RDMA, SHARED_RDMA = "nvidia.com/gpu", "rdma/ib", "rdma/shared_ib"
SHARED_CARDS = 63
"""Of the shared plugin (Azure/aks-rdma-infiniband 700dabb, configs: rdmaHcaMax)."""
# General purpose, memory and compute: GiB for each vCPU; those with a `d` have a temporary disk of 37.5 GiB a vCPU.
_GENERAL = re.compile(
    r"Standard_(?P<series>[DEF])(?P<vcpus>\d+)(?P<kind>a?l?)(?P<disk>d?)s(?:_(?P<version>v[3-7]))", re.ASCII
)
_GIB_PER_VCPU = {"D": 4.0, "E": 8.0, "F": 2.0}
_TEMP_PER_VCPU = 37.5
NO_RESERVATION = re.compile(r"Standard_(ND|NC\d+adi?s_H100)")
"""Sizes that no on-demand reservation takes (azure-compute-docs, capacity-reservation-overview, 2026-02-17)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine:
    """One size. `infiniband`: cards of its own; `temp_gib`: the disk that an ephemeral root disk lies on."""

    name: str
    vcpus: int
    memory_gib: float
    family: str
    chips: int = 0
    chip: str = ""
    arch: str = "amd64"
    temp_gib: int = 0
    infiniband: int = 0

    @property
    def has_mig(self) -> bool:
        return self.chip.startswith(("A100", "H100", "H200", "GB"))

    @property
    def wants_feature(self) -> bool | None:
        """State of AKSInfinibandSupport in which its pools are one fabric; None for what has no InfiniBand."""
        return None if not self.infiniband else not self.chip.startswith("GB")


@cache
def machine(name: str) -> VirtualMachine | None:
    """The size, None for one that Azure does not have, as far as is known here."""
    if found := accelerators().get(name):
        return found
    general = _GENERAL.fullmatch(name)
    if general is None:
        return None
    vcpus, series = int(general["vcpus"]), general["series"]
    family = f"standard{series}{general['kind'].upper()}{'D' if general['disk'] else ''}S{general['version']}Family"
    return VirtualMachine(
        name=name, vcpus=vcpus, memory_gib=_GIB_PER_VCPU[series] * vcpus, family=family,
        temp_gib=int(_TEMP_PER_VCPU * vcpus) if general["disk"] else 0,
    )  # fmt: skip


def size_of(name: str) -> MachineSize | None:
    """The size for the field rules."""
    found = machine(name)
    if found is None:
        return None
    chips = f", {found.chips} x {found.chip}" if found.chips else ""
    return MachineSize(
        cores=found.vcpus, memory_mib=int(found.memory_gib * 1024), pods=110, kind=f"{found.arch}{chips}"
    )


@cache
def accelerators() -> Mapping[str, VirtualMachine]:
    """All sizes with accelerators, by name."""
    with Path(__file__).with_name("machines.csv").open(newline="") as file:
        return {row["machine"]: _machine(row) for row in csv.DictReader(file)}


def _machine(row: Mapping[str, str]) -> VirtualMachine:
    return VirtualMachine(
        name=row["machine"], vcpus=int(row["vcpus"]), memory_gib=float(row["memory_gib"]), family=row["family"],
        chips=int(row["chips"]), chip=row["chip"], arch=row["arch"], temp_gib=int(row["temp_gib"]),
        infiniband=int(row["infiniband"]),
    )  # fmt: skip


def same_family(one: str, other: str) -> bool:
    """Families are spelt with spaces and capitals as it comes."""
    return one.replace(" ", "").lower() == other.replace(" ", "").lower()
