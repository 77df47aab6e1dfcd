"""What the user asks of an inference service."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.spec.base import Name, Spec


class ServedModel(Spec):
    """Which exported model is served: one of the two."""

    from_training: Literal["latest"] | None = None
    """The model of this stack's own training run: what it exported last."""
    path: Annotated[str, Field(min_length=1)] | None = None
    """A model that an earlier run exported: an export folder, or a run's folder, whose newest export is taken."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.from_training is None) == (self.path is None):
            raise ValueError("give exactly one of fromTraining and path")
        return self


class ScaledBy(StrEnum):
    """Who counts the waiting requests and changes the number of replicas."""

    KEDA = "keda"
    """Asks Prometheus, and changes the number by way of Kubernetes' own autoscaler."""
    HPA = "hpa"
    """Kubernetes' own autoscaler by way of custom metrics."""


class AutoscalingSpec(Spec):
    """Replicas that follow the queue."""

    min_replicas: int = Field(default=1, ge=0, le=1000)
    """None at all needs KEDA and a Gateway of penstock's own, whose proxy counts the requests while no server does."""
    max_replicas: int = Field(ge=1, le=1000)
    waiting_per_replica: int = Field(default=4, ge=1)
    """Requests waiting for each replica, above which another is started."""
    by: ScaledBy = ScaledBy.KEDA

    @property
    def to_zero(self) -> bool:
        """Whether no server is up while nobody asks."""
        return self.min_replicas == 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"minReplicas: {self.min_replicas} is more than maxReplicas ({self.max_replicas})")
        return self


class CanarySpec(Spec):
    """A second model beside the first, for a share of the requests."""

    path: str = Field(min_length=1)
    """Its export folder, or a run's folder."""
    weight_percent: int = Field(ge=0, le=100)
    """Of the requests; 100 is the point at which to make it the model."""
    replicas: int = Field(default=1, ge=1, le=64)


class RouteSpec(Spec):
    """How requests from outside the cluster come in: a Gateway that is there already, or penstock's own."""

    gateway: Name | None = None
    """Name of an existing Gateway in penstock's namespace; when left out, one of its own, on an internal address."""
    host_name: str | None = None


class InferenceSpec(Spec):
    """An OpenAI-compatible service: what `penstock:inference` holds."""

    name: Name = "serve"
    pool: Name | None = None
    """The node pool it runs on; when left out, the only one."""
    replicas: int = Field(default=1, ge=1, le=64)
    """Independent servers. On one machine they listen on consecutive ports."""
    model: ServedModel = ServedModel(from_training="latest")
    host: str = "127.0.0.1"
    """The address it listens on; anything but loopback opens it to others, so it must be asked for."""
    port: int = Field(default=8000, ge=1024, le=65535)
    max_sequences: int = Field(default=32, ge=1, le=4096)
    """Sequences that decode together."""
    max_batch_tokens: int = Field(default=512, ge=16)
    """Tokens of one forward pass; longer prompts are taken in chunks of it."""
    cache_tokens: int = Field(default=32_768, ge=64)
    """Tokens the paged key-value cache holds over all sequences."""
    queue_limit: int = Field(default=256, ge=1)
    """Requests that may wait; one more is answered 429 with Retry-After."""
    deadline_s: float = Field(default=120.0, gt=0)
    """Seconds after which a request is given up, unless it sets its own, shorter one."""
    drain_s: float = Field(default=20.0, ge=0)
    """Seconds that running requests get to finish when the service is stopped."""
    image: Annotated[str, Field(min_length=1)] | None = None
    """The container image that holds penstock's workloads (images/); needed wherever services are pods."""
    nodes_per_replica: int = Field(default=1, ge=1, le=64)
    """More than one: every replica is a group that starts as a whole."""
    autoscaling: AutoscalingSpec | None = None
    canary: CanarySpec | None = None
    route: RouteSpec | None = None
