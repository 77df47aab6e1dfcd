"""What the user asks of a cluster."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec


class Cloud(StrEnum):
    """Where a cluster can be. A cloud is one folder of providers/."""

    LOCAL = "local"


class NodePoolSpec(Spec):
    """Machines of one type that are scheduled alike."""

    name: Name
    machine_type: str = Field(min_length=1)
    count: int = Field(default=1, ge=1, le=100_000)


class ClusterSpec(Spec):
    """The cluster: what `penstock:cluster` holds."""

    cloud: Cloud
    node_pools: tuple[NodePoolSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _pool_names_differ(self) -> Self:
        names = [pool.name for pool in self.node_pools]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"nodePools: the name {', '.join(map(repr, repeated))} is given to more than one pool")
        return self


class OnDestroy(StrEnum):
    KEEP = "keep"
    DELETE = "delete"


class VolumeSpec(Spec):
    """The folder that runs, checkpoints and exports lie in."""

    path: str | None = None
    """An absolute path or one under `~`; when left out, a folder named after the stack among the user's own data."""
    on_destroy: OnDestroy = OnDestroy.KEEP
    """What `destroy` does with checkpoints, exports and logs. Keeping them is the default: they cannot be had back."""


class StorageSpec(Spec):
    """Where data lies: what `penstock:storage` holds."""

    volume: VolumeSpec = VolumeSpec()


class SchedulerKind(StrEnum):
    """Who starts the gang. A scheduler is one folder of components/schedulers/."""

    PROCESS = "process"


class SchedulerSpec(Spec):
    """Who starts jobs: what `penstock:scheduler` holds."""

    kind: SchedulerKind | None = None
    """When left out, the one that suits the cloud."""
