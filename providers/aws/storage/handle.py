"""Storage as it was built: what other parts refer to."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class LustreHandle:
    """What a Kubernetes volume of the FSx CSI driver names: `volumeHandle`, `dnsname`, `mountname`."""

    id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    mount_path: str
    capacity_gib: int | None
    efa: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHandle:
    """What a Kubernetes volume of the EFS CSI driver names."""

    id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_path: str
    ready: tuple[pulumi.Resource, ...]
    """Its mount targets: without them nobody can mount it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketHandle:
    name: pulumi.Output[str]
    arn: pulumi.Output[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageHandle:
    volume_path: str
    """Where runs lie, as jobs see it; empty where the stack has no file system."""
    key_arn: pulumi.Output[str] | None
    """Who reads a bucket needs `kms:Decrypt` on it."""
    file_system: LustreHandle | None
    shared_file_system: SharedHandle | None
    object_store: BucketHandle | None
    express_store: BucketHandle | None
    repositories: Mapping[str, pulumi.Output[str]]
    """Name as asked -> URL to push to and pull from."""
    mirrors: Mapping[str, str]
    """Prefix in the registry -> public registry that it stands for."""

    @property
    def ready(self) -> tuple[pulumi.Resource, ...]:
        """What must be there before a pod can mount a file system."""
        return self.shared_file_system.ready if self.shared_file_system else ()
