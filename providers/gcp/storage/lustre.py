"""Managed Lustre, decided: legal sizes of each tier.

Limits: Google Cloud Managed Lustre, "Performance tiers" and "Increase the capacity of an instance" (2026-11). The tier
never changes; the size only grows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from components.errors import Problem, SpecError
from components.spec.storage import FileSystemSpec, OnDestroy
from providers.gcp.types import ManagedLustrePlan

PATH = "storage.fileSystem"


@dataclass(frozen=True, slots=True, kw_only=True)
class LustreTier:
    """Sizes of one throughput, in GiB."""

    least: int
    most: int
    coarse_from: int = 0
    """Size above which steps are eight times as large; 0: steps do not change."""

    @property
    def step(self) -> int:
        return self.least

    def step_at(self, gib: float) -> int:
        return self.step * 8 if self.coarse_from and gib > self.coarse_from else self.step

    def is_legal(self, gib: float) -> bool:
        return self.least <= gib <= self.most and gib % self.step_at(gib) == 0


TIERS = {
    1000: LustreTier(least=9_000, most=10_008_000, coarse_from=1_530_000),
    500: LustreTier(least=18_000, most=20_016_000, coarse_from=3_060_000),
    250: LustreTier(least=36_000, most=40_032_000, coarse_from=6_120_000),
    125: LustreTier(least=72_000, most=12_240_000),
}
"""By MB/s for each TiB."""
DEFAULT_TIER = 1000
"""The one with the least size, and so the cheapest for most."""

LONGEST_NAME = 8


def plan_lustre(asked: FileSystemSpec, zone: str, stack: str, digest: str) -> ManagedLustrePlan:
    """The instance in that zone; SpecError with every problem at once. `digest` makes its file system's name."""
    problems = list(_problems(asked))
    if problems:
        raise SpecError(problems)
    return ManagedLustrePlan(
        instance=f"{stack}-lustre",
        file_system=f"p{digest[: LONGEST_NAME - 1]}",
        zone=zone,
        capacity_gib=int(_gib(asked)),
        mbps_per_tib=asked.throughput_mbps_per_tib or DEFAULT_TIER,
        mount_path=asked.mount_path,
        keep=asked.on_destroy is OnDestroy.KEEP,
    )


def _gib(asked: FileSystemSpec) -> float:
    """Google's lists count 1,000 GiB as a TiB: 9 is 9000 GiB."""
    return round((asked.capacity_tib or 0) * 1000, 6)


def _problems(asked: FileSystemSpec) -> Iterator[Problem]:
    if asked.throughput_mbps_per_tib not in (None, *TIERS):
        message = f"{asked.throughput_mbps_per_tib} is no tier of Managed Lustre; available: "
        yield Problem(path=f"{PATH}.throughputMbpsPerTib", message=message + ", ".join(map(str, sorted(TIERS))))
    elif asked.capacity_tib is not None:
        yield from _size_problems(asked, asked.throughput_mbps_per_tib or DEFAULT_TIER)
    for key, value in _of_others(asked):
        yield Problem(
            path=f"{PATH}.{key}", message=f"{value} is FSx's, and Managed Lustre has no such setting; remove it"
        )
    if asked.links:
        message = (
            "Managed Lustre mirrors no bucket; remove it, and mount the stack's own bucket beside it, as "
            "storage.objectStore: {mountPath: /objects}, or copy into the file system once by "
            "`gcloud lustre instances import-data`"
        )
        yield Problem(path=f"{PATH}.links", message=message)


def _size_problems(asked: FileSystemSpec, mbps: int) -> Iterator[Problem]:
    gib, tier = _gib(asked), TIERS[mbps]
    if tier.is_legal(gib):
        return
    near = ", ".join(f"{size / 1000:g}" for size in _nearest(gib, tier))
    steps = f"from {tier.least / 1000:g}, by {tier.step_at(gib) / 1000:g}"
    message = f"{asked.capacity_tib:g} is no size at {mbps} MB/s a TiB ({steps})"
    yield Problem(path=f"{PATH}.capacityTib", message=f"{message}; nearest: {near}")


def _nearest(gib: float, tier: LustreTier) -> list[int]:
    held = min(max(gib, tier.least), tier.most)
    step = tier.step_at(held)
    found = {math.floor(held / step) * step, math.ceil(held / step) * step}
    return sorted(size for size in found if tier.is_legal(size)) or [tier.least]


def _of_others(asked: FileSystemSpec) -> Iterator[tuple[str, str]]:
    if asked.tiering is not None:
        yield "tiering", "given"
    if asked.metadata_iops is not None:
        yield "metadataIops", str(asked.metadata_iops)
    if asked.scratch:
        yield "scratch", "true"
    if asked.fabric:
        yield "fabric", "true"
