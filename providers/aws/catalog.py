"""Offer of AWS: machine types as rows, and the possible pools of them."""

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
from providers.aws.regions import Region, regions

MAX_NODES = 5_000
"""Nodes of one pool: what a Kubernetes cluster is tested to hold (kubernetes.io, "Considerations for large clusters").
EKS allows 450 in a managed node group until the account's quota is raised, which the plan names as a quota."""

SCHEDULERS = (
    SchedulerKind.KUEUE,
    SchedulerKind.TRAINER,
    SchedulerKind.VOLCANO,
    SchedulerKind.KAI,
    SchedulerKind.KUBERAY,
    SchedulerKind.MPI,
    SchedulerKind.SLURM,
)


class Arch(StrEnum):
    X86_64 = "x86_64"
    ARM64 = "arm64"


ARCHITECTURES = {Arch.X86_64: Architecture.AMD64, Arch.ARM64: Architecture.ARM64}
"""EC2's names of processors, in those of images."""


class CapacityKind(StrEnum):
    """Ways in which a machine type may be had, by their names in a stack file."""

    ON_DEMAND = "onDemand"
    SPOT = "spot"
    RESERVATION = "reservation"
    CAPACITY_BLOCK = "capacityBlock"


class QuotaFamily(StrEnum):
    """Machine types that AWS counts together, in vCPUs. The P generations share a quota on demand, not for spot."""

    P4 = "p4"
    P5 = "p5"
    P6 = "p6"
    G = "g"
    TRN = "trn"
    INF = "inf"
    STANDARD = "standard"


class FabricFamily(StrEnum):
    """Machine types whose EFA devices can talk to each other (EC2 User Guide, "Elastic Fabric Adapter")."""

    P4 = "p4"
    """p4d and p4de, with nobody else."""
    COMMON = "common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """Network cards of a machine, next to each other and alike."""

    count: int
    interfaces: int
    """Network interfaces that one card takes."""
    efa: bool
    """True if those may be EFA interfaces; if not, they are plain ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsMachine(MachineType):
    """A machine type of EC2. `cores` are vCPUs, which is what quotas count."""

    arch: Arch
    nvme_gb: int
    """Local disks, all together."""
    card_groups: tuple[Cards, ...]
    efa_cards: tuple[int, ...]
    """The cards that carry the fabric; empty where each that can does."""
    max_efa: int
    lustre_interfaces: int
    """EFA interfaces over which its Lustre client reaches FSx; 0 where it does so over TCP alone."""
    fabric_family: FabricFamily
    gdr: bool
    addresses_per_interface: int
    """IPv4 addresses."""
    network_layers: int
    """Layers of the network above it that EC2 tells, and so labels of its node; 0 where EC2 tells none."""
    quota_family: QuotaFamily
    capacity: tuple[CapacityKind, ...]
    burstable: bool
    """Its processors run at a share of their speed in the long run, or cost more, and no cluster placement group takes
    it (EC2 User Guide, "Burstable performance instances", "Placement groups")."""
    ultra_server: tuple[int, ...]
    """Machines of the UltraServers that it comes in, none where it comes alone. Capacity blocks of it are whole ones,
    which may come as a resource group."""
    min_kubernetes: str
    """Empty where every version that EKS has will do."""
    usd_per_hour: Decimal | None
    """Table `machines` of prices.toml says of where and when; None where there is no such price."""
    zones: tuple[str, ...]
    """Zones where it is offered: zone ids, and prefixes of regions that have it in every zone."""

    @property
    def cards(self) -> tuple[Cards, ...]:
        """One entry a card, in the order of their index."""
        return tuple(group for group in self.card_groups for _ in range(group.count))

    def zones_in(self, region: Region) -> tuple[str, ...]:
        """The region's zones that offer it: by id, and local ones by name."""
        return region.offering(self.zones)

    def regions(self) -> tuple[str, ...]:
        """Names of the regions that offer it."""
        return tuple(name for name, region in regions().items() if self.zones_in(region))


@cache
def machines() -> Mapping[str, AwsMachine]:
    """The rows of machine_types.toml. An unknown or missing field of a row is an error."""
    text = Path(__file__).with_name("machine_types.toml").read_text()
    return MappingProxyType(dict(_rows(tomllib.loads(text, parse_float=Decimal))))


def catalog() -> Catalog:
    """Every machine type, and the schedulers that run on EKS; PCS and Batch start jobs themselves."""
    return Catalog(
        cloud="aws",
        machine_types=machines(),
        capabilities=Capabilities(schedulers=SCHEDULERS, max_nodes_per_pool=MAX_NODES, registry=True),
        regions=tuple(regions()),
    )


def _rows(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, AwsMachine]]:
    chips = accelerators()
    for name, table in tables.items():
        yield name, _machine(name, table, chips)


def _machine(name: str, table: Mapping[str, Any], chips: Mapping[str, Accelerator]) -> AwsMachine:
    row = dict(table)
    price = row.pop("usd_per_hour", None)
    chip = row.pop("accelerator", None)
    return AwsMachine(
        name=name,
        cores=row.pop("vcpus"),
        memory_gib=float(row.pop("memory_gib")),
        accelerator=None if chip is None else chips[chip],
        accelerator_count=row.pop("accelerator_count", 0),
        fabric=Fabric.EFA if row.get("max_efa") else Fabric.ETHERNET,
        fabric_gbps=float(row.pop("fabric_gbps", 0)),
        architecture=ARCHITECTURES[Arch(row["arch"])],
        arch=Arch(row.pop("arch")),
        nvme_gb=row.pop("nvme_gb", 0),
        card_groups=tuple(Cards(**group) for group in row.pop("cards")),
        efa_cards=tuple(row.pop("efa_cards", ())),
        max_efa=row.pop("max_efa", 0),
        lustre_interfaces=row.pop("lustre_interfaces", 0),
        fabric_family=FabricFamily(row.pop("fabric_family", FabricFamily.COMMON)),
        gdr=row.pop("gdr", False),
        network_layers=row.pop("network_layers", 0),
        quota_family=QuotaFamily(row.pop("quota_family")),
        capacity=tuple(map(CapacityKind, row.pop("capacity"))),
        burstable=row.pop("burstable", False),
        ultra_server=tuple(row.pop("ultra_server", ())),
        compute_domain=row.pop("compute_domain", False),
        min_kubernetes=row.pop("kubernetes", ""),
        usd_per_hour=None if price is None else Decimal(price),
        zones=tuple(row.pop("zones")),
        **row,
    )
