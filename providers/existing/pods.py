"""Settings of the pods on a pool's nodes: what an administrator's own wiring takes beside device resources."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from components.plan.cluster import HostPath, Mount, PodBinding, ResourceClaim, Sidecar
from components.spec.base import Spec, form
from components.spec.marks import ANNOTATIONS_LIMIT, LabelValue, MarkKey
from components.spec.storage import AbsolutePath

# Forms and limits: Kubernetes API, validation of object metadata and of pods (apimachinery/pkg/util/validation,
# pkg/apis/core/validation).
ObjectName = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", "the name of a Kubernetes object: lower-case letters, digits, -."
        )
    ),
]
DnsLabel = Annotated[
    str,
    StringConstraints(
        pattern=form(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "a DNS label: lower-case letters, digits and -, up to 63")
    ),
]
VariableName = Annotated[
    str, StringConstraints(pattern=form(r"^[A-Za-z_][A-Za-z0-9_]*$", "an environment variable such as NCCL_IB_HCA"))
]
NodePath = Annotated[
    str,
    StringConstraints(
        pattern=form(
            r"^(/[A-Za-z0-9_][-A-Za-z0-9_.:+@]*)+$", "an absolute path of the node without .., such as /opt/nccl"
        )
    ),
]
ImageName = Annotated[str, StringConstraints(pattern=form(r"^[^\s]+$", "an image such as registry.example/name:1"))]


class Capability(StrEnum):
    """A Linux capability (capabilities(7)) that a pod may be given."""

    AUDIT_WRITE = "AUDIT_WRITE"
    BPF = "BPF"
    CHOWN = "CHOWN"
    DAC_OVERRIDE = "DAC_OVERRIDE"
    DAC_READ_SEARCH = "DAC_READ_SEARCH"
    FOWNER = "FOWNER"
    IPC_LOCK = "IPC_LOCK"
    IPC_OWNER = "IPC_OWNER"
    KILL = "KILL"
    MKNOD = "MKNOD"
    NET_ADMIN = "NET_ADMIN"
    NET_BIND_SERVICE = "NET_BIND_SERVICE"
    NET_RAW = "NET_RAW"
    PERFMON = "PERFMON"
    SETGID = "SETGID"
    SETUID = "SETUID"
    SYS_ADMIN = "SYS_ADMIN"
    SYS_CHROOT = "SYS_CHROOT"
    SYS_MODULE = "SYS_MODULE"
    SYS_NICE = "SYS_NICE"
    SYS_PTRACE = "SYS_PTRACE"
    SYS_RAWIO = "SYS_RAWIO"
    SYS_RESOURCE = "SYS_RESOURCE"
    SYS_TIME = "SYS_TIME"


class HostPathKind(StrEnum):
    """Type of a path of the node, checked before a pod mounts it."""

    DIRECTORY = "Directory"
    DIRECTORY_OR_CREATE = "DirectoryOrCreate"
    FILE = "File"
    FILE_OR_CREATE = "FileOrCreate"
    SOCKET = "Socket"
    CHAR_DEVICE = "CharDevice"
    BLOCK_DEVICE = "BlockDevice"


class HostPathSpec(Spec):
    """A file, folder or socket of the node, mounted into a pod."""

    path: NodePath
    """Absolute path on the node."""
    mount_path: AbsolutePath | None = None
    """Absolute path in the container; when left out, the same as on the node."""
    read_only: bool = True
    """True if the pod may only read there."""
    kind: HostPathKind | None = Field(default=None, strict=False)
    """Directory, File, Socket, CharDevice...: what must be there; when left out, that is not checked."""

    @property
    def plan(self) -> HostPath:
        kind = self.kind.value if self.kind else ""
        return HostPath(path=self.path, mount_path=self.mount_path or self.path, read_only=self.read_only, kind=kind)


class MountSpec(Spec):
    """A claim of the namespace penstock, mounted by jobs."""

    claim: ObjectName
    """Name of a PersistentVolumeClaim in the namespace penstock."""
    path: AbsolutePath
    """Absolute path in the container."""


class SidecarSpec(Spec):
    """A container that runs beside the main one, such as a receive daemon of the network."""

    name: DnsLabel
    """Name of the container."""
    image: ImageName
    """Image of the container."""
    command: tuple[str, ...] = ()
    """Entry point and arguments; when left out, the image's own."""
    env: dict[VariableName, str] = Field(default_factory=dict)
    """Environment variables of the sidecar."""
    host_paths: tuple[HostPathSpec, ...] = ()
    """Files, folders and sockets of the node that it mounts."""
    shared_paths: tuple[AbsolutePath, ...] = ()
    """Folders, empty at first, that it and the main container both have, for sockets."""
    capabilities: tuple[Annotated[Capability, Field(strict=False)], ...] = ()
    """Linux capabilities that it has; all others are dropped."""
    privileged: bool = False
    """True if it has all rights and devices of the node."""

    @model_validator(mode="after")
    def _every_path_once(self) -> Self:
        _once("hostPaths", [one.plan.mount_path for one in self.host_paths])
        _once("sharedPaths", [one.plan.mount_path for one in self.host_paths] + list(self.shared_paths))
        return self

    @property
    def plan(self) -> Sidecar:
        return Sidecar(
            name=self.name, image=self.image, command=self.command, env=self.env, shared_paths=self.shared_paths,
            host_paths=tuple(one.plan for one in self.host_paths), capabilities=_names(self.capabilities),
            privileged=self.privileged,
        )  # fmt: skip


class ResourceClaimSpec(Spec):
    """Devices by dynamic resource allocation, claimed anew for each pod."""

    name: DnsLabel
    """Name of the claim in the pod."""
    template: ObjectName
    """Name of a ResourceClaimTemplate in the namespace penstock."""


class PoolPodsSpec(Spec):
    """Requirements of every pod on a pool: jobs, services, the acceptance gate, Slurm nodes."""

    huge_pages_mib: int = Field(default=0, ge=0, multiple_of=2)
    """MiB in huge pages of 2 MiB that a whole node's pod asks for."""
    env: dict[VariableName, str] = Field(default_factory=dict)
    """Environment variables, such as those of NCCL; they win over penstock's own choice of an interface."""
    mounts: tuple[MountSpec, ...] = ()
    """Further claims that jobs mount."""
    annotations: dict[MarkKey, str] = Field(default_factory=dict)
    """Annotations, such as the networks that a pod is attached to."""
    labels: dict[MarkKey, LabelValue] = Field(default_factory=dict)
    """Labels, such as one that an admission webhook looks for."""
    host_paths: tuple[HostPathSpec, ...] = ()
    """Files, folders and sockets of the node that pods mount."""
    sidecars: tuple[SidecarSpec, ...] = ()
    """Containers that run beside the main one."""
    resource_claims: tuple[ResourceClaimSpec, ...] = ()
    """Devices by dynamic resource allocation; Kubernetes 1.34 or newer."""
    capabilities: tuple[Annotated[Capability, Field(strict=False)], ...] = ()
    """Linux capabilities of the main container beside IPC_LOCK, which a fabric brings; all others are dropped."""
    privileged: bool = False
    """True if the main container has all rights and devices of the node."""
    host_network: bool = False
    """True if pods use the node's network instead of one of their own."""
    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Names of secrets in the namespace penstock with which images are pulled."""
    service_account: ObjectName | None = None
    """Name of a service account in the namespace penstock; when left out, its default."""

    @property
    def reaches_fabric(self) -> bool:
        """True if pods may have fabric interfaces without a device resource."""
        return bool(self.resource_claims) or self.host_network or self.privileged

    @model_validator(mode="after")
    def _every_name_and_path_once(self) -> Self:
        for key, values in (
            ("hostPaths", [one.plan.mount_path for one in self.host_paths] + [one.path for one in self.mounts]),
            ("sidecars", [one.name for one in self.sidecars]),
            ("resourceClaims", [one.name for one in self.resource_claims]),
            ("imagePullSecrets", list(self.image_pull_secrets)),
        ):
            _once(key, values)
        size = sum(len(key.encode()) + len(value.encode()) for key, value in self.annotations.items())
        if size > ANNOTATIONS_LIMIT:
            raise ValueError(f"annotations: {size} bytes, and an object has {ANNOTATIONS_LIMIT} at most; shorten them")
        return self


def _once(key: str, values: Sequence[str]) -> None:
    if twice := sorted({value for value in values if values.count(value) > 1}):
        raise ValueError(f"{key}: {twice[0]!r} is there twice; leave one out")


def bound(pods: PoolPodsSpec, **planned: Any) -> PodBinding:
    """The binding that these settings and what was `planned` beside them (devices, selector, tolerations) make."""
    env: Mapping[str, str] = planned.pop("env")
    # The name of the interface is that of a pod's own network; on the node's, each machine has another.
    return PodBinding(
        **planned,
        env={**({} if pods.host_network else env), **pods.env},
        huge_pages_mib=pods.huge_pages_mib,
        mounts=tuple(Mount(volume=one.claim, path=one.path) for one in pods.mounts),
        annotations=pods.annotations,
        labels=pods.labels,
        host_paths=tuple(one.plan for one in pods.host_paths),
        sidecars=tuple(one.plan for one in pods.sidecars),
        resource_claims=tuple(ResourceClaim(name=one.name, template=one.template) for one in pods.resource_claims),
        capabilities=_names(pods.capabilities),
        privileged=pods.privileged,
        host_network=pods.host_network,
        image_pull_secrets=pods.image_pull_secrets,
        service_account=pods.service_account or "",
    )


def needed_objects(pods: PoolPodsSpec) -> Iterator[tuple[str, str, str, str]]:
    """(key, apiVersion, kind, name) of each object that these settings name."""
    for one in pods.mounts:
        yield "mounts", "v1", "PersistentVolumeClaim", one.claim
    for claim in pods.resource_claims:
        yield "resourceClaims", "resource.k8s.io/v1", "ResourceClaimTemplate", claim.template
    for secret in pods.image_pull_secrets:
        yield "imagePullSecrets", "v1", "Secret", secret
    if pods.service_account:
        yield "serviceAccount", "v1", "ServiceAccount", pods.service_account


def _names(capabilities: Iterable[Capability]) -> tuple[str, ...]:
    return tuple(one.value for one in capabilities)
