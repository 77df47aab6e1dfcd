"""Storage as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedLustreHandle:
    """Names that a Kubernetes volume of the Lustre CSI driver needs, and Google's own."""

    id: pulumi.Output[str]
    """`projects/P/locations/Z/instances/I`."""
    volume: pulumi.Output[str]
    """`PROJECT/ZONE/INSTANCE`."""
    address: pulumi.Output[str]
    file_system: str
    capacity_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilestoreHandle:
    """Names that a Kubernetes volume of the Filestore CSI driver needs, and Google's own."""

    id: pulumi.Output[str]
    """`projects/P/locations/Z/instances/I`."""
    volume: pulumi.Output[str]
    """`modeInstance/ZONE/INSTANCE/SHARE`."""
    address: pulumi.Output[str]
    share: str
    capacity_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsHandle:
    name: pulumi.Output[str]
    project_number: pulumi.Output[str]
    mount_options: tuple[str, ...]
    """As in its plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpStorageHandle:
    volume_path: str
    file_system: ManagedLustreHandle | None
    shared_file_system: FilestoreHandle | None
    object_store: GcsHandle | None
    ready: tuple[pulumi.Resource, ...]
    """Resources that must be there before a pod can mount a file system."""
