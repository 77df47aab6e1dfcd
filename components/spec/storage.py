"""The storage that the user asks for."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from components.spec.base import FolderPath, Name, Spec, form
from components.spec.choice import Choice

AbsolutePath = Annotated[
    str, Field(pattern=form(r"^(/[A-Za-z0-9][-A-Za-z0-9_.]*)+$", "an absolute path such as /data"))
]
"""An absolute path of plain letters."""

_OF_THE_SYSTEM = re.compile(r"/((bin|boot|dev|etc|lib(32|64|x32)?|proc|run|sbin|sys|usr|var)(/.*)?|opt|root|tmp)")
"""Folders that an operating system or an image fills (Filesystem Hierarchy Standard 3.0, chapters 3, 4 and 6)."""


def _no_folder_of_the_system(path: str) -> str:
    if _OF_THE_SYSTEM.fullmatch(path):
        raise ValueError(f"{path!r} is a folder of the system, whose files it would hide; take another, such as /data")
    return path


MountPath = Annotated[AbsolutePath, AfterValidator(_no_folder_of_the_system)]
"""An absolute path, as jobs see it; none of the system's own folders."""


class OnDestroy(StrEnum):
    """Fate of the data when the stack is destroyed."""

    KEEP = "keep"
    DELETE = "delete"


class VolumeSpec(Spec):
    """Folder of runs, checkpoints and exports. On a cloud it lies on the file system."""

    path: FolderPath | None = None
    """Absolute path, or one that begins with `~`; when left out, a folder named after the stack."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """`keep` leaves checkpoints, exports and logs; `delete` removes them for good."""


class Change(StrEnum):
    """Kind of change that a data link carries over."""

    NEW = "new"
    CHANGED = "changed"
    DELETED = "deleted"


class DataLinkSpec(Spec):
    """A folder of the file system that mirrors a prefix of an object store."""

    path: AbsolutePath
    """Folder below the file system's root, such as /data."""
    uri: str = Field(
        pattern=form(r"^[a-z0-9]+://[^/]+(/.*)?$", "an address such as s3://bucket/prefix/"), max_length=4357
    )
    """Bucket and prefix: s3://bucket/prefix/."""
    import_on: tuple[Change, ...] = (Change.NEW, Change.CHANGED, Change.DELETED)
    """Changes in the bucket that show up in the folder."""
    export_on: tuple[Change, ...] = ()
    """Changes in the folder that are written to the bucket; none by default."""


class TieringSpec(Spec):
    """Capacity that follows the data, behind a read cache."""

    throughput_mbps: int = Field(gt=0)
    """MB/s of the whole file system."""
    read_cache_gib: int | None = Field(default=None, gt=0)
    """Read cache in GiB; when left out, in proportion to the throughput."""


class FileSystemSpec(Choice):
    """Parallel file system: Lustre."""

    ways: ClassVar[tuple[str, ...]] = ("capacity_tib", "tiering")

    capacity_tib: float | None = Field(default=None, gt=0)
    """Size in the cloud's own steps: 1.2 is FSx's 1200 GiB. Legal sizes differ with the throughput."""
    throughput_mbps_per_tib: int | None = Field(default=None, gt=0)
    """MB/s for each TiB; when left out, the cloud's default tier."""
    tiering: TieringSpec | None = None
    """Size that follows the data, in place of `capacityTib`."""
    fabric: bool | None = None
    """Access over the fabric (EFA); when left out, where machines, zone and size allow it."""
    metadata_iops: int | None = Field(default=None, gt=0)
    """Metadata operations a second; when left out, as many as come with the capacity."""
    mount_path: MountPath = "/fsx"
    """Path at which jobs see it."""
    links: tuple[DataLinkSpec, ...] = ()
    """Folders that mirror prefixes of buckets."""
    scratch: bool = False
    """Cheaper and not replicated: a failed server loses its files."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """`keep` leaves a backup behind; `delete` leaves nothing."""


class ObjectStoreSpec(Spec):
    """A bucket: versioned, encrypted, private."""

    name: Annotated[str, Field(min_length=3, max_length=63)] | None = None
    """Name that no other bucket of any account has; when left out, one is made from the stack's name."""
    keep_versions_days: int = Field(default=30, ge=1, le=36_500)
    """Days in which overwritten and deleted objects can be restored."""
    expire_days: int | None = Field(default=None, ge=1, le=36_500)
    """Days after which objects are deleted; when left out, never."""
    mount_path: MountPath | None = None
    """Path at which jobs and servers see its objects as files; when left out, nowhere. On GCP alone."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """`keep` leaves the bucket and its objects; `delete` removes both."""


class SharedFileSystemSpec(Spec):
    """Network file system for home folders and code."""

    mount_path: MountPath = "/shared"
    """Path at which jobs see it."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """`keep` leaves the file system; `delete` removes it with its files."""


class StorageSpec(Spec):
    """Storage of data, runs and checkpoints."""

    refused_keys: ClassVar[Mapping[str, str]] = {
        "parallelstore": "Google Cloud takes no new instances of Parallelstore; its successor Managed Lustre is "
        "fileSystem, such as fileSystem: {capacityTib: 18, throughputMbpsPerTib: 500}"
    }

    volume: VolumeSpec = VolumeSpec()
    """Folder of runs, checkpoints and exports."""
    file_system: FileSystemSpec | None = None
    """Parallel file system (Lustre). Training on AWS needs it, or `sharedFileSystem`."""
    object_store: ObjectStoreSpec | None = None
    """Bucket of the stack's own; `{}` makes one."""
    shared_file_system: SharedFileSystemSpec | None = None
    """Network file system for home folders and code; `{}` makes one."""

    def mount_paths(self) -> tuple[tuple[Name, MountPath], ...]:
        """The spec's key and the path of each file system."""
        asked = {"fileSystem": self.file_system, "sharedFileSystem": self.shared_file_system}
        return tuple((key, spec.mount_path) for key, spec in asked.items() if spec is not None)

    def home(self) -> tuple[Name, MountPath, OnDestroy] | None:
        """The file system that runs lie on: the spec's key, its path, and what `destroy` does with it; None where no
        file system holds the volume's path.
        """
        lustre, shared = self.file_system, self.shared_file_system
        found: list[tuple[Name, MountPath, OnDestroy]] = []
        if lustre is not None:
            kept = OnDestroy.DELETE if lustre.scratch else lustre.on_destroy
            found.append(("fileSystem", lustre.mount_path, kept))
        if shared is not None:
            found.append(("sharedFileSystem", shared.mount_path, shared.on_destroy))
        path = self.volume.path
        return next((home for home in found if not path or f"{path}/".startswith(f"{home[1]}/")), None)
