"""Machine types of GKE, each a row of machine_types.toml, and what GKE can do."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.catalog import Accelerator, Capabilities, Catalog, MachineType, accelerators
from components.fabric import Fabric
from components.images import Architecture
from components.spec.scheduler import SchedulerKind
from providers.gcp.regions import regions

MAX_NODES = 1000
"""Of one node pool and zone ("Quotas and limits" of GKE, 2026-11)."""

SCHEDULERS = (
    SchedulerKind.KUEUE,
    SchedulerKind.TRAINER,
    SchedulerKind.VOLCANO,
    SchedulerKind.KAI,
    SchedulerKind.KUBERAY,
    SchedulerKind.MPI,
    SchedulerKind.SLURM,
)


class InstructionSet(StrEnum):
    """Instruction set, by Kubernetes' name."""

    X86 = "x86_64"
    ARM = "arm64"


class FabricNetwork(StrEnum):
    """Networks that a machine's pool is given beside the cluster's own."""

    NONE = ""
    TCPX = "tcpx"
    """Four networks, one interface each (GPUDirect-TCPX)."""
    TCPXO = "tcpxo"
    """Eight networks, one interface each (GPUDirect-TCPXO)."""
    ROCE = "roce"
    """One network for the second host interface, and one of the zone's RoCE profile with a subnet for each card."""
    DRANET = "dranet"
    """Networks that GKE makes itself, whose devices pods claim."""
    ROCE_METAL = "roceMetal"
    """As `roce`, of the bare metal profile, whose one subnet comes by itself."""


class GcpCapacityKind(StrEnum):
    """Ways in which a machine type can be had."""

    ON_DEMAND = "onDemand"
    SPOT = "spot"
    RESERVATION = "reservation"
    FLEX_START = "flexStart"
    QUEUED = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpMachine(MachineType):
    """One row of machine_types.toml."""

    arch: InstructionSet
    gke_accelerator: str
    """Value of GKE's label for its accelerators; empty without."""
    network: FabricNetwork
    nccl_tuner: str
    """File of Google's NCCL plugin that tunes it for the machine; empty without RDMA."""
    topology_layers: int
    """Layers of cloud.google.com/gce-topology-* that a node carries in a dense reservation or of flex start."""
    local_ssds: int
    boot_disks: tuple[str, ...]
    """The first is penstock's choice."""
    quota: str
    capacity: tuple[GcpCapacityKind, ...]
    director: tuple[GcpCapacityKind, ...]
    """Ways in which Cluster Director has it; none where it has not, or is not asked for it here."""
    min_version: str
    """Least version of GKE, such as `1.34.3-gke.1318000`; empty: any that penstock makes."""
    min_driver: str
    """Least version of NVIDIA's driver."""
    usd_per_hour: Decimal | None
    usd_region: str
    """Region of that price."""
    refused: str
    """Reason for which penstock makes no pool of it; empty where it does."""

    @property
    def is_tpu(self) -> bool:
        return self.accelerator is not None and self.accelerator.vendor == "google"


@cache
def machines() -> Mapping[str, GcpMachine]:
    """The rows of machine_types.toml. An unknown or missing field of a row is an error."""
    text = Path(__file__).with_name("machine_types.toml").read_text()
    return MappingProxyType(dict(_rows(tomllib.loads(text, parse_float=Decimal))))


def catalog() -> Catalog:
    """Every machine type, and the schedulers that run on GKE."""
    return Catalog(
        cloud="gcp",
        machine_types=machines(),
        capabilities=Capabilities(schedulers=SCHEDULERS, max_nodes_per_pool=MAX_NODES, registry=True),
        regions=tuple(regions()),
    )


def _rows(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, GcpMachine]]:
    chips = accelerators()
    for name, table in tables.items():
        yield name, _machine(name, dict(table), chips)


def _machine(name: str, row: dict[str, Any], chips: Mapping[str, Accelerator]) -> GcpMachine:
    chip = row.pop("accelerator", None)
    price = row.pop("usd_per_hour", None)
    network, arch = FabricNetwork(row.pop("network", "")), InstructionSet(row.pop("arch"))
    return GcpMachine(
        name=name,
        cores=row.pop("vcpus"),
        memory_gib=float(row.pop("memory_gib")),
        accelerator=None if chip is None else chips[chip],
        accelerator_count=row.pop("accelerator_count", 0),
        fabric=Fabric.ETHERNET if network is FabricNetwork.NONE else Fabric.RDMA,
        fabric_gbps=float(row.pop("fabric_gbps", 0)),
        compute_domain=row.pop("compute_domain", False),
        architecture=Architecture.ARM64 if arch is InstructionSet.ARM else Architecture.AMD64,
        arch=arch,
        gke_accelerator=row.pop("gke_accelerator", ""),
        network=network,
        nccl_tuner=row.pop("nccl_tuner", ""),
        topology_layers=row.pop("topology_layers", 0),
        local_ssds=row.pop("local_ssds", 0),
        boot_disks=tuple(row.pop("boot_disks")),
        quota=row.pop("quota"),
        capacity=tuple(map(GcpCapacityKind, row.pop("capacity"))),
        director=tuple(map(GcpCapacityKind, row.pop("director", ()))),
        min_version=row.pop("min_version", ""),
        min_driver=row.pop("min_driver", ""),
        usd_per_hour=None if price is None else Decimal(price),
        usd_region=row.pop("usd_region", ""),
        refused=row.pop("refused", ""),
        **row,
    )
