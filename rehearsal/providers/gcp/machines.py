"""Machine types as Google and their users describe them: read by the simulated GCP alone, never by the planner.

machines.csv: one row for each accelerator machine. Sources: Google Cloud, "Accelerator-optimized machine family",
"Networking and GPU machines", "TPUs in GKE"; GKE's cluster autoscaler, package machinetypes (2026), for shapes and boot
disks; cluster-toolkit 1047080 (2026-06-25) for the networks of each; a printed node for the 960 GiB of tpu7x.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rehearsal.field.facts import MachineSize

GPU, TPU = "nvidia.com/gpu", "google.com/tpu"
PD = ("pd-balanced", "pd-ssd", "pd-standard")
HYPERDISK = ("hyperdisk-balanced",)

# General purpose ("General-purpose machine family for Compute Engine"): GiB for each vCPU, and the disks that it starts
# from.
_GENERAL = re.compile(
    r"(?P<series>e2|n1|n2|n2d|n4|t2d|c3|c3d|c4|c4d)-(?P<kind>standard|highmem|highcpu)-(?P<vcpus>\d+)"
)
_GIB_PER_VCPU = {"standard": 4.0, "highmem": 8.0, "highcpu": 1.0}
_N1_GIB = {"standard": 3.75, "highmem": 6.5, "highcpu": 0.9}
_SERIES_DISKS = {
    "n4": HYPERDISK, "c4": HYPERDISK, "c4d": HYPERDISK, "c3": ("pd-balanced", "pd-ssd", *HYPERDISK),
    "c3d": ("pd-balanced", "pd-ssd", *HYPERDISK),
}  # fmt: skip
_SHARED = {"e2-micro": 1.0, "e2-small": 2.0, "e2-medium": 4.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine type.

    `networks`: interfaces beside the first that its accelerators' fabric takes, `rdma` of them RDMA; `layers`:
    gce-topology labels that a dense or flex node of it has.
    """

    name: str
    vcpus: int
    memory_gib: float
    device: str = ""
    chips: int = 0
    label: str = ""
    arch: str = "amd64"
    disks: tuple[str, ...] = PD
    networks: int = 0
    rdma: int = 0
    layers: int = 0
    family: str = "CPUS"
    """Dimension of its quota: gpu_family, tpu_family, or the metric of processors."""

    @property
    def is_tpu(self) -> bool:
        return self.device == TPU


@cache
def machine(name: str) -> Machine | None:
    """The machine type, None for one that Google does not have, as far as is known here."""
    if found := _rows().get(name):
        return found
    if name in _SHARED:
        return Machine(name=name, vcpus=2, memory_gib=_SHARED[name])
    general = _GENERAL.fullmatch(name)
    if general is None:
        return None
    series, kind, vcpus = general["series"], general["kind"], int(general["vcpus"])
    return Machine(
        name=name, vcpus=vcpus, memory_gib=(_N1_GIB if series == "n1" else _GIB_PER_VCPU)[kind] * vcpus,
        disks=_SERIES_DISKS.get(series, PD), family="CPUS" if series in ("e2", "n1") else f"{series.upper()}_CPUS",
    )  # fmt: skip


def size_of(name: str) -> MachineSize | None:
    """The machine type for the field rules."""
    found = machine(name)
    if found is None:
        return None
    chips = f", {found.chips} x {found.label}" if found.chips else ""
    return MachineSize(
        cores=found.vcpus, memory_mib=int(found.memory_gib * 1024), pods=110, kind=f"{found.arch}{chips}"
    )


def accelerators() -> Mapping[str, Machine]:
    """All machine types with accelerators, by name."""
    return _rows()


@cache
def _rows() -> Mapping[str, Machine]:
    with Path(__file__).with_name("machines.csv").open(newline="") as file:
        return {row["machine"]: _machine(row) for row in csv.DictReader(file)}


def _machine(row: Mapping[str, str]) -> Machine:
    return Machine(
        name=row["machine"], vcpus=int(row["vcpus"]), memory_gib=float(row["memory_gib"]),
        device={"gpu": GPU, "tpu": TPU}[row["chip"]], chips=int(row["chips"]), label=row["label"], arch=row["arch"],
        disks=tuple(row["disks"].split()), networks=int(row["networks"]), rdma=int(row["rdma"]),
        layers=int(row["layers"]), family=row["family"],
    )  # fmt: skip
