"""The scheduler that the user asks for."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec


class SchedulerKind(StrEnum):
    """Software that starts the processes of a job together."""

    PROCESS = "process"
    KUEUE = "kueue"
    VOLCANO = "volcano"
    KAI = "kai"
    TRAINER = "trainer"
    KUBERAY = "kuberay"
    MPI = "mpi"
    SLURM = "slurm"


class QueueSpec(Spec):
    """Share of the cluster that one team hands its jobs to."""

    name: Name
    """Name of the queue: lower-case letters, digits and dashes."""
    nodes: dict[Name, int] | None = None
    """Nodes of each pool that are the queue's own, by pool name; when left out, an equal share of what other queues
    leave."""
    borrow: bool = True
    """Use of what other queues leave idle, until they want it back."""
    weight: int = Field(default=1, ge=1, le=1000)
    """Share of what is borrowed, against the other queues' weights."""


class SchedulerSpec(Spec):
    """Scheduler of jobs, and its queues."""

    kind: SchedulerKind | None = None
    """Scheduler; when left out, `kueue` on a Kubernetes and `process` on this machine."""
    queues: tuple[QueueSpec, ...] = ()
    """Queues that jobs are handed to; when left out, one that has the whole cluster."""
    start_timeout_s: int = Field(default=900, ge=30, le=86_400)
    """Seconds that an admitted gang has to get all its pods ready; then it goes back to the queue as a whole."""

    @model_validator(mode="after")
    def _queue_names_differ(self) -> Self:
        names = [queue.name for queue in self.queues]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            names_given = ", ".join(map(repr, repeated))
            raise ValueError(f"queues: the name {names_given} is given to more than one queue; give each its own")
        return self


class Priority(StrEnum):
    """Order of jobs, and which may displace others."""

    LOW = "low"
    """Put back whenever another job wants its place."""
    NORMAL = "normal"
    HIGH = "high"


class TopologyRequest(StrEnum):
    """Closeness of a job's nodes to each other."""

    REQUIRED = "required"
    """All in one domain of the network, narrower than a zone, or it waits. Refused where nodes tell of none."""
    PREFERRED = "preferred"
    """As close as they come."""
    NONE = "none"
