"""Storage as it was built: what other parts refer to."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class LustreHandle:
    """Names that a Kubernetes volume of the FSx CSI driver needs: `volumeHandle`, `dnsname`, `mountname`."""

    id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    mount_path: str
    capacity_gib: int | None
    efa: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHandle:
    """Names that a Kubernetes volume of the EFS CSI driver needs."""

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
    """Path of the runs, as jobs see it; empty where the stack has no file system."""
    key_arn: pulumi.Output[str] | None
    """Key of a bucket: its readers need `kms:Decrypt` on it."""
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
        """Resources that must be there before a pod can mount a file system."""
        return self.shared_file_system.ready if self.shared_file_system else ()
