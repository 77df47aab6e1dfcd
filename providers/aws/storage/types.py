"""Decided places of data on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from components.plan.cluster import Mount, VolumePlan
from components.plan.part import Decision

Event = Literal["NEW", "CHANGED", "DELETED"]
"""FSx's words for what a link carries over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlan:
    """A folder of a Lustre file system that mirrors a prefix of a bucket."""

    path: str
    uri: str
    import_on: tuple[Event, ...]
    export_on: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LustrePlan:
    """An FSx for Lustre file system."""

    scratch: bool
    """SCRATCH_2 instead of PERSISTENT_2."""
    capacity_gib: int | None
    """None where it grows with the data."""
    throughput_mbps_per_tib: int | None
    throughput_mbps: int | None
    """Of the whole, where it grows with the data."""
    read_cache_gib: int | None
    """None: in proportion to the throughput, where it grows with the data."""
    metadata_iops: int | None
    """None: as many as FSx gives with the capacity."""
    efa: bool
    zone: str
    subnet: str
    mount_path: str
    links: tuple[LinkPlan, ...]
    final_backup: bool
    """`destroy` leaves a backup."""

    @property
    def tiering(self) -> bool:
        return self.throughput_mbps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPlan:
    """An EFS file system."""

    mount_path: str
    subnets: tuple[str, ...]
    """One in each zone: EFS takes one mount target a zone."""
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlan:
    name: str | None
    """None: one that is made from the resource's name."""
    keep_versions_days: int
    expire_days: int | None
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressPlan:
    """A directory bucket. Its name is `<base>-<account>--<zone id>--x-s3`."""

    base: str
    zone_id: str
    keep: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlan:
    repositories: Mapping[str, str]
    """Name as asked -> name in the registry."""
    mirrors: Mapping[str, str]
    """Prefix in the registry -> public registry that is pulled through."""
    keep_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePlan:
    file_system: LustrePlan | None
    shared_file_system: SharedPlan | None
    object_store: BucketPlan | None
    express_store: ExpressPlan | None
    registry: RegistryPlan | None
    mounts: tuple[Mount, ...]
    volume: VolumePlan
    """Volume of the runs; the path is empty where the stack has no file system."""
    decisions: tuple[Decision, ...]

    @property
    def volume_path(self) -> str:
        return self.volume.path

    @property
    def empty(self) -> bool:
        """Nothing is stored, so there is no key either."""
        stores = (self.file_system, self.shared_file_system, self.object_store, self.express_store, self.registry)
        return not any(stores)

    @property
    def has_buckets(self) -> bool:
        """True if jobs have a bucket of the stack's to read and write."""
        return self.object_store is not None or self.express_store is not None

    @property
    def key_kept(self) -> bool:
        """True if anything outlives `destroy`: without its key it would be lost all the same."""
        lustre, stores = self.file_system, (self.shared_file_system, self.object_store, self.express_store)
        return (lustre is not None and lustre.final_backup) or any(store is not None and store.keep for store in stores)
