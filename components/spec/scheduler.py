"""What the user asks of whoever starts jobs."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec


class SchedulerKind(StrEnum):
    """Who starts the gang. A scheduler is one folder of components/schedulers/."""

    PROCESS = "process"
    KUEUE = "kueue"
    VOLCANO = "volcano"
    KAI = "kai"
    TRAINER = "trainer"
    KUBERAY = "kuberay"
    MPI = "mpi"
    SLURM = "slurm"


class QueueSpec(Spec):
    """A share of the cluster that one team hands its jobs to."""

    name: Name
    nodes: dict[Name, int] | None = None
    """Nodes of each pool that are the queue's own; when left out, an equal share of what other queues leave."""
    borrow: bool = True
    """It may use what other queues leave idle, until they want it back."""
    weight: int = Field(default=1, ge=1, le=1000)
    """Its share of what is borrowed, against the others'."""


class SchedulerSpec(Spec):
    """Who starts jobs: what `penstock:scheduler` holds."""

    kind: SchedulerKind | None = None
    """When left out, the one that suits the cloud."""
    queues: tuple[QueueSpec, ...] = ()
    """When left out, one queue that has the whole cluster."""
    start_timeout_s: int = Field(default=900, ge=30, le=86_400)
    """Seconds that an admitted gang has to get all its pods ready; then it goes back to the queue as a whole."""

    @model_validator(mode="after")
    def _queue_names_differ(self) -> Self:
        names = [queue.name for queue in self.queues]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"queues: the name {', '.join(map(repr, repeated))} is given to more than one queue")
        return self


class Priority(StrEnum):
    """Who goes first, and who may be put back for whom."""

    LOW = "low"
    """Put back whenever another job wants its place."""
    NORMAL = "normal"
    HIGH = "high"


class TopologyRequest(StrEnum):
    """How close to each other the nodes of a gang must be."""

    REQUIRED = "required"
    """All in one domain of the narrowest level that can hold the gang, or it waits."""
    PREFERRED = "preferred"
    """As close as they come."""
    NONE = "none"
