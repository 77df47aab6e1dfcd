"""Settings that only a Kubernetes that is there already has: the key `penstock:existing`."""

from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from components.fabric import Fabric
from components.plan.kubernetes import Concern
from components.spec.base import Name, Spec, form
from components.spec.choice import Choice
from components.spec.marks import DeviceName, LabelValue, MarkKey
from components.spec.storage import AbsolutePath, MountPath
from providers.existing.pods import ObjectName, PoolPodsSpec

ClaimName = Annotated[
    str, StringConstraints(pattern=form(r"^[a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*$", "a claim: namespace/name"))
]
Labels = dict[MarkKey, LabelValue]


Quantity = Annotated[
    str,
    BeforeValidator(str),
    StringConstraints(pattern=form(r"^[0-9]+(\.[0-9]+)?(m|k|[MGT]|[KMGT]i)?$", "an amount such as 500m or 1900Gi")),
]


class AllocatableSpec(Spec):
    """Offer of a node, as `kubectl get node NAME -o jsonpath={.status.allocatable}` shows it."""

    cpu: Quantity
    """Cores that pods can have, such as 191450m."""
    memory: Quantity
    """Memory that pods can have, such as 2052366988Ki; huge pages are off it already."""


class MachineSpec(Spec):
    """One node of a machine type, as pods can ask for it."""

    cores: int = Field(ge=1)
    """Cores of a node."""
    memory_gib: float = Field(gt=0)
    """Memory of a node in GiB."""
    allocatable: AllocatableSpec | None = None
    """Offer of such a node to pods; when left out, as nodes are seen to have it, else a cautious estimate."""
    accelerator: str | None = None
    """Accelerator by penstock's name, such as h100; with `acceleratorCount`."""
    accelerator_count: int = Field(default=0, ge=0)
    """Accelerators of a node."""
    devices: dict[DeviceName, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Device resources that the node offers: `{nvidia.com/gpu: 8, rdma/hca_shared_devices_a: 1}`."""
    fabric: Fabric | None = None
    """Fabric between nodes; when left out, the one that its devices show."""
    fabric_gbps: float = Field(default=0.0, ge=0)
    """Gbit/s of all its fabric interfaces together."""
    labels: Labels = Field(default_factory=dict)
    """Node labels that tell such machines; when left out, their instance type."""
    topology_keys: tuple[MarkKey, ...] = ()
    """Node labels from the widest domain to the narrowest; when left out, those that the nodes are seen to have."""

    @model_validator(mode="after")
    def _accelerators_with_their_count(self) -> Self:
        if (self.accelerator is None) != (self.accelerator_count == 0):
            raise ValueError("accelerator: give it with an acceleratorCount, or neither of both")
        return self


class NfsVolume(Spec):
    """Export of an NFS server."""

    server: str = Field(min_length=1)
    """Host name or address of the NFS server."""
    path: AbsolutePath
    """Exported path."""


class SharedVolumeSpec(Choice):
    """Volume of runs, checkpoints and exports: exactly one of claim, storage class, host path and NFS."""

    ways: ClassVar[tuple[str, ...]] = ("claim", "storage_class", "host_path", "nfs")

    claim: ClaimName | None = None
    """NAMESPACE/NAME of a bound PersistentVolumeClaim; a second claim mounts the volume behind it."""
    storage_class: ObjectName | None = None
    """Storage class whose volumes are ReadWriteMany; with `sizeGib`."""
    size_gib: int | None = Field(default=None, ge=1)
    """Size of the claim in GiB; with `storageClass`."""
    host_path: AbsolutePath | None = None
    """Folder that every node mounts from the same file system."""
    nfs: NfsVolume | None = None
    """Export of an NFS server."""
    mount_path: MountPath = "/data"
    """Path at which pods see it."""

    @model_validator(mode="after")
    def _class_with_its_size(self) -> Self:
        if (self.storage_class is None) != (self.size_gib is None):
            raise ValueError("sizeGib: goes with storageClass, and storageClass with it")
        return self


class ExistingSpec(Spec):
    """Settings of an existing cluster. What the cluster shows need not be written."""

    kubeconfig: str | None = None
    """Path of the kubeconfig; when left out, $KUBECONFIG, else ~/.kube/config."""
    context: str | None = None
    """Context in the kubeconfig; when left out, its current one."""
    cluster_id: Annotated[str, Field(min_length=8)] | None = None
    """Uid of the namespace kube-system. A kubeconfig that leads to another cluster is then refused."""
    version: str | None = Field(
        default=None, pattern=form(r"^1\.\d{2}$", 'a Kubernetes version in quotes, such as "1.34"')
    )
    """Kubernetes version in quotes, such as "1.34", for when the cluster cannot be reached."""
    machines: dict[str, MachineSpec] = Field(default_factory=dict)
    """Machines by their type, for when the cluster cannot be reached, or in place of what it shows."""
    pool_selectors: dict[Name, Labels] = Field(default_factory=dict)
    """Node labels by pool; when left out, penstock.dev/pool with the pool's name, else the machine type."""
    pods: dict[Name, PoolPodsSpec] = Field(default_factory=dict)
    """Requirements of pods by pool, for a cluster with wiring of its own: networks, host paths, claims, rights."""
    volume: SharedVolumeSpec | None = None
    """Storage that every node can write to; needed by training and inference."""
    owners: dict[Concern, str] = Field(default_factory=dict)
    """Software that does a thing on this cluster, in place of what is seen; an empty text: nothing does."""

    @model_validator(mode="after")
    def _selectors_select(self) -> Self:
        for pool, labels in self.pool_selectors.items():
            if not labels:
                raise ValueError(f"poolSelectors.{pool}: needs a label at least, or every node would be the pool's")
        return self
