"""Storage as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class AmlfsHandle:
    """Names that a Kubernetes volume of the Lustre CSI driver needs."""

    id: pulumi.Output[str]
    address: pulumi.Output[str]
    """Of its management server."""
    capacity_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetAppHandle:
    id: pulumi.Output[str]
    address: pulumi.Output[str]
    export: str
    capacity_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobHandle:
    id: pulumi.Output[str]
    """Of the account."""
    account: pulumi.Output[str]
    group: pulumi.Output[str]
    container: str
    mount_options: tuple[str, ...]
    """As in its plan."""
    ready: tuple[pulumi.Resource, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureStorageHandle:
    volume_path: str
    file_system: AmlfsHandle | None
    shared_file_system: NetAppHandle | None
    object_store: BlobHandle | None
    ready: tuple[pulumi.Resource, ...]
    """Resources that must be there before a pod can mount a file system."""
