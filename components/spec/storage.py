"""Where the user wants data to lie."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec, form

MountPath = Annotated[str, Field(pattern=form(r"^(/[A-Za-z0-9][-A-Za-z0-9_.]*)+$", "an absolute path such as /data"))]
"""An absolute path, as jobs see it."""


class OnDestroy(StrEnum):
    KEEP = "keep"
    DELETE = "delete"


class VolumeSpec(Spec):
    """The folder that runs, checkpoints and exports lie in. On a cloud it lies on the file system."""

    path: str | None = None
    """An absolute path or one under `~`; when left out, the cloud's own choice."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """What `destroy` does with checkpoints, exports and logs. Keeping them is the default: they cannot be had back."""


class Change(StrEnum):
    """What a data link carries over."""

    NEW = "new"
    CHANGED = "changed"
    DELETED = "deleted"


class DataLinkSpec(Spec):
    """A folder of the file system that mirrors a prefix of an object store."""

    path: MountPath
    """The folder, below the file system's root."""
    uri: str = Field(
        pattern=form(r"^[a-z0-9]+://[^/]+(/.*)?$", "an address such as s3://bucket/prefix/"), max_length=4357
    )
    """`s3://bucket/prefix/`."""
    import_on: tuple[Change, ...] = (Change.NEW, Change.CHANGED, Change.DELETED)
    export_on: tuple[Change, ...] = ()


class TieringSpec(Spec):
    """Capacity that grows and shrinks with the data, behind a read cache."""

    throughput_mbps: int = Field(gt=0)
    """MB/s of the whole file system."""
    read_cache_gib: int | None = Field(default=None, gt=0)
    """When left out, in proportion to the throughput."""


class FileSystemSpec(Spec):
    """A parallel file system: Lustre, on every cloud that has one."""

    capacity_tib: float | None = Field(default=None, gt=0)
    """Terabytes as the cloud's own list counts them; legal sizes differ with the throughput."""
    throughput_mbps_per_tib: int | None = Field(default=None, gt=0)
    """MB/s for each TiB; when left out, the cloud's default tier."""
    tiering: TieringSpec | None = None
    """Instead of a fixed capacity."""
    fabric: bool | None = None
    """Reached over the fabric; when left out, where the machines and the size allow it."""
    metadata_iops: int | None = Field(default=None, gt=0)
    mount_path: MountPath = "/fsx"
    links: tuple[DataLinkSpec, ...] = ()
    scratch: bool = False
    """Not replicated and cheaper: for what can be had again."""
    on_destroy: OnDestroy = OnDestroy.KEEP

    @model_validator(mode="after")
    def _one_way_to_size_it(self) -> Self:
        if (self.capacity_tib is None) == (self.tiering is None):
            raise ValueError("give exactly one of capacityTib and tiering")
        return self


class ObjectStoreSpec(Spec):
    """A bucket: versioned, encrypted, private."""

    name: Annotated[str, Field(min_length=3, max_length=63)] | None = None
    """Unique over all accounts; when left out, one is made from the stack's name."""
    keep_versions_days: int = Field(default=30, ge=1, le=36_500)
    """Days that overwritten and deleted objects can be had back."""
    expire_days: int | None = Field(default=None, ge=1, le=36_500)
    """Days after which objects are deleted; when left out, never."""
    on_destroy: OnDestroy = OnDestroy.KEEP


class SharedFileSystemSpec(Spec):
    """An elastic network file system for home folders and code."""

    mount_path: MountPath = "/shared"
    on_destroy: OnDestroy = OnDestroy.KEEP


class StorageSpec(Spec):
    """Where data lies: what `penstock:storage` holds."""

    volume: VolumeSpec = VolumeSpec()
    file_system: FileSystemSpec | None = None
    object_store: ObjectStoreSpec | None = None
    shared_file_system: SharedFileSystemSpec | None = None

    def mount_paths(self) -> tuple[tuple[Name, MountPath], ...]:
        """The spec's key and the path of each file system."""
        asked = {"fileSystem": self.file_system, "sharedFileSystem": self.shared_file_system}
        return tuple((key, spec.mount_path) for key, spec in asked.items() if spec is not None)
