"""Machine types of AKS, each a row of machine_types.toml, and what AKS can do."""

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
from providers.azure.regions import regions

MAX_NODES = 1000
"""Of one node pool ("Quotas, virtual machine size restrictions, and region availability in AKS", 2026-08)."""
MAX_PARTITION = 100
"""Nodes of one InfiniBand partition, which is one scale set in a single placement group; 300 by a ticket ("Set up
InfiniBand on HPC VMs", 2026-09-25)."""

SCHEDULERS = (
    SchedulerKind.KUEUE,
    SchedulerKind.TRAINER,
    SchedulerKind.VOLCANO,
    SchedulerKind.KAI,
    SchedulerKind.KUBERAY,
    SchedulerKind.MPI,
    SchedulerKind.SLURM,
)


class Partition(StrEnum):
    """State of the feature AKSInfinibandSupport that a subscription must be in before a pool of a machine is made."""

    NONE = ""
    """Any: the machine has no InfiniBand."""
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"


class AzureCapacityKind(StrEnum):
    """Ways in which a machine type can be had."""

    ON_DEMAND = "onDemand"
    SPOT = "spot"
    RESERVATION = "reservation"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMachine(MachineType):
    """One row of machine_types.toml."""

    infiniband: int
    """Cards of InfiniBand; 0 without."""
    topology: str
    """Name of NCCL's description of its PCI switches; empty where there is none."""
    temp_gib: int
    nvme_gib: int
    partition: Partition
    quota: str
    """Family by which its vCPUs are counted."""
    capacity: tuple[AzureCapacityKind, ...]
    refused: str
    """Reason for which penstock makes no pool of it; empty where it does."""


@cache
def machines() -> Mapping[str, AzureMachine]:
    """The rows of machine_types.toml. An unknown or missing field of a row is an error."""
    text = Path(__file__).with_name("machine_types.toml").read_text()
    return MappingProxyType(dict(_rows(tomllib.loads(text))))


@cache
def prices() -> Mapping[str, Mapping[str, Decimal]]:
    """List prices an hour by machine type and region. One that is missing is not known."""
    text = Path(__file__).with_name("machine_prices.toml").read_text()
    return {name: dict(row) for name, row in tomllib.loads(text, parse_float=Decimal).items()}


def catalog() -> Catalog:
    """Every machine type, and the schedulers that run on AKS."""
    return Catalog(
        cloud="azure",
        machine_types=machines(),
        capabilities=Capabilities(schedulers=SCHEDULERS, max_nodes_per_pool=MAX_NODES, registry=True),
        regions=tuple(regions()),
    )


def _rows(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, AzureMachine]]:
    chips = accelerators()
    for name, table in tables.items():
        yield name, _machine(name, dict(table), chips)


def _machine(name: str, row: dict[str, Any], chips: Mapping[str, Accelerator]) -> AzureMachine:
    chip, cards = row.pop("accelerator", None), row.pop("infiniband", 0)
    return AzureMachine(
        name=name,
        cores=row.pop("vcpus"),
        memory_gib=float(row.pop("memory_gib")),
        accelerator=None if chip is None else chips[chip],
        accelerator_count=row.pop("accelerator_count", 0),
        fabric=Fabric.RDMA if cards else Fabric.ETHERNET,
        fabric_gbps=float(row.pop("fabric_gbps", 0)),
        compute_domain=row.pop("compute_domain", False),
        architecture=Architecture(row.pop("arch", Architecture.AMD64)),
        infiniband=cards,
        topology=row.pop("topology", ""),
        temp_gib=row.pop("temp_gib", 0),
        nvme_gib=row.pop("nvme_gib", 0),
        partition=Partition(row.pop("partition", "")),
        quota=row.pop("quota"),
        capacity=tuple(map(AzureCapacityKind, row.pop("capacity"))),
        refused=row.pop("refused", ""),
        **row,
    )
