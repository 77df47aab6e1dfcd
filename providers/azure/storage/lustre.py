"""Azure Managed Lustre, decided: legal sizes of each tier, and the subnet that they need.

Limits: Azure Managed Lustre, "Create a file system" and "Prerequisites" (2026-09). Nothing of it changes later.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from components.errors import Problem, SpecError
from components.spec.storage import FileSystemSpec, OnDestroy
from providers.azure.types import AmlfsPlan

PATH = "storage.fileSystem"


@dataclass(frozen=True, slots=True)
class AmlfsTier:
    """Sizes of one throughput, in TiB."""

    least: int
    most: int

    @property
    def step(self) -> int:
        return self.least

    def is_legal(self, tib: float) -> bool:
        return self.least <= tib <= self.most and tib % self.step == 0


TIERS = {40: AmlfsTier(48, 768), 125: AmlfsTier(16, 128), 250: AmlfsTier(8, 128), 500: AmlfsTier(4, 128)}
"""By MB/s for each TiB; larger ones by a ticket."""
DEFAULT_TIER = 250
_SUBNETS = ((16, 27), (40, 26), (92, 25), (196, 24), (400, 23))
"""TiB up to which a subnet of that prefix is enough; a /22 above."""


def plan_lustre(asked: FileSystemSpec, zone: str, subnet: IPv4Network | None, stack: str) -> AmlfsPlan:
    """The file system in that zone; SpecError with every problem at once. `subnet`: the range that the stack makes for
    it; None for one that is there already.
    """
    problems = [*_problems(asked), *_subnet_problems(asked, subnet)]
    if problems:
        raise SpecError(problems)
    tier = asked.throughput_mbps_per_tib or DEFAULT_TIER
    return AmlfsPlan(
        name=f"{stack}-lustre",
        sku=f"AMLFS-Durable-Premium-{tier}",
        zone=zone,
        capacity_tib=asked.capacity_tib or 0,
        mbps_per_tib=tier,
        mount_path=asked.mount_path,
        keep=asked.on_destroy is OnDestroy.KEEP,
    )


def _problems(asked: FileSystemSpec) -> Iterator[Problem]:
    if asked.throughput_mbps_per_tib not in (None, *TIERS):
        message = f"{asked.throughput_mbps_per_tib} is no tier of Azure Managed Lustre; available: "
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message + ", ".join(map(str, sorted(TIERS))))
    elif asked.capacity_tib is not None:
        yield from _size_problems(asked.capacity_tib, asked.throughput_mbps_per_tib or DEFAULT_TIER)
    for key, value in _of_others(asked):
        message = f"{value} is FSx's, and Azure Managed Lustre has no such setting; remove it"
        yield Problem(path=f"{PATH}.{key}", message=message)
    if asked.links:
        message = (
            "mirrors of containers are not made in this release: they want rights of a first-party application of your "
            "tenant; remove it, and mount the stack's own container beside it, as storage.objectStore: {mountPath: "
            "/objects}"
        )
        yield Problem(path=f"{PATH}.links", message=message)


def _size_problems(tib: float, mbps: int) -> Iterator[Problem]:
    tier = TIERS[mbps]
    if tier.is_legal(tib):
        return
    near = ", ".join(map(str, _nearest(tib, tier)))
    message = f"{tib:g} is no size at {mbps} MB/s a TiB (from {tier.least}, by {tier.step}, to {tier.most})"
    yield Problem(path=f"{PATH}.capacityTib", message=f"{message}; nearest: {near}")


def _nearest(tib: float, tier: AmlfsTier) -> list[int]:
    held = min(max(tib, tier.least), tier.most) / tier.step
    return sorted({math.floor(held) * tier.step, math.ceil(held) * tier.step})


def _subnet_problems(asked: FileSystemSpec, subnet: IPv4Network | None) -> Iterator[Problem]:
    tib = asked.capacity_tib or 0
    needed = next((prefix for most, prefix in _SUBNETS if tib <= most), 22)
    if subnet is not None and subnet.prefixlen > needed:
        message = (
            f"{tib:g} TiB take a /{needed}, and the network has {subnet} for it; give a wider cluster.network.cidr"
        )
        yield Problem(path=f"{PATH}.capacityTib", message=message)


def _of_others(asked: FileSystemSpec) -> Iterator[tuple[str, str]]:
    if asked.tiering is not None:
        yield "tiering", "given"
    if asked.metadata_iops is not None:
        yield "metadataIops", str(asked.metadata_iops)
    if asked.scratch:
        yield "scratch", "true"
    if asked.fabric:
        yield "fabric", "true"
