"""Fault script of a rehearsal, written in YAML. docs/faults has examples."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from components.engine_yaml import YamlError, read_yaml
from components.errors import Problem, SpecError
from components.spec.base import form
from components.spec.explain import explain

Times = int | Literal["always"]
PhaseBeforeDrift = Literal["up", "up again", "refresh"]
"""A phase after which others may be at work: after it there is a stack, and another phase to see what they did."""
Form = TypeVar("Form", bound=BaseModel)
OPERATION = form(r"^[a-z0-9-]+:[A-Za-z0-9.*]+$", "service:Operation, such as ec2:CreateSubnet or eks:Create*")


class FaultPart(BaseModel):
    """A part of a fault script: camelCase keys, no unknown ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True)


class NoCapacity(FaultPart):
    """The cloud has no machines of a type, in a zone or anywhere."""

    machine_type: str
    zone: str | None = None
    times: Times = Field(default=1, description="how many pools meet it")


class PartOfAPool(FaultPart):
    """Some of a pool's nodes come up, the others do not."""

    resource: str = Field(description="the pool's name in the program; * stands for anything")
    nodes: int = Field(ge=0, description="how many come up")
    times: Times = 1


class Throttle(FaultPart):
    """The cloud refuses requests at random because there were too many; the provider asks again."""

    rate: float = Field(ge=0, le=1)
    attempts: int = Field(default=25, ge=1, description="how often the provider asks before it gives up")
    seed: int = 0


class RequestError(FaultPart):
    """A request is refused."""

    operation: str = Field(pattern=OPERATION, description="service:Operation; * stands for anything")
    resource: str = "*"
    nth: int = Field(default=1, ge=1, description="the first that is refused of those that match")
    times: Times = 1
    code: str = "InternalError"
    message: str = "An internal error has occurred"


class Kill(FaultPart):
    """The engine is killed at this request to the cloud, or this change in Kubernetes, counted over the rehearsal."""

    at_request: int | None = Field(default=None, ge=1)
    at_kubernetes_request: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Kill":
        if (self.at_request is None) == (self.at_kubernetes_request is None):
            raise ValueError("atRequest: counts requests to the cloud, atKubernetesRequest: to Kubernetes; one of both")
        return self


class SilentWebhook(FaultPart):
    """The webhook that judges a kind of object does not answer."""

    kind: str = Field(default="*", description="ClusterQueue, JobSet; * stands for anything")
    times: Times = 1


class BadNode(FaultPart):
    """A node that is worse than the others of its pool."""

    node: str = Field(description="the node's name; * stands for anything")
    devices: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="devices that it offers, in place of its own"
    )
    bandwidth: float = Field(default=1.0, gt=0, le=1, description="its share of what its fabric should move")
    volume: str = Field(default="", description="why nothing can be written to the volume on it")
    driver: str = Field(default="", description="version of its NVIDIA driver, in place of one that is new enough")
    repaired_after_min: float | None = Field(
        default=None, ge=0, description="minutes from its quarantine until node repair replaces it"
    )

    @model_validator(mode="after")
    def _bad_in_something(self) -> "BadNode":
        if not self.devices and self.bandwidth == 1 and not self.volume and not self.driver:
            raise ValueError("node: is as good as the others; give it devices, bandwidth, volume or driver")
        return self


class Drift(FaultPart):
    """Somebody changes or deletes something by another way, after a phase."""

    after: PhaseBeforeDrift
    resource: str
    type: str = "*"
    set: dict[str, Any] | None = None
    delete: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "Drift":
        if (self.set is None) == (not self.delete):
            raise ValueError("set: says what changes, or delete: true; one of both")
        return self


class LoadBalancer(FaultPart):
    """A load balancer that a controller in a cluster makes after a phase, with its interfaces and security group."""

    after: PhaseBeforeDrift = "up"
    cluster: str = Field(default="*", description="the cluster's name")


class Otherwise(FaultPart):
    """Something that stands in the account before the stack, and is otherwise than a stack needs."""

    resource: str = Field(default="*", description="its id; * stands for anything")
    type: str = "*"
    set: dict[str, Any] = Field(min_length=1)


class FaultScript(FaultPart):
    """All that goes wrong. Nothing does where nothing is written."""

    capacity: tuple[NoCapacity, ...] = Field(default=(), strict=False)
    partial: tuple[PartOfAPool, ...] = Field(default=(), strict=False)
    throttle: Throttle | None = None
    errors: tuple[RequestError, ...] = Field(default=(), strict=False)
    kill: tuple[Kill, ...] = Field(default=(), strict=False)
    drift: tuple[Drift, ...] = Field(default=(), strict=False)
    quotas: dict[str, Any] = Field(default={}, description="limits of the account, by the names that its cloud has")
    load_balancers: tuple[LoadBalancer, ...] = Field(default=(), strict=False)
    webhooks: tuple[SilentWebhook, ...] = Field(default=(), strict=False)
    nodes: tuple[BadNode, ...] = Field(default=(), strict=False)
    existing: tuple[Otherwise, ...] = Field(default=(), strict=False)
    _file: str = PrivateAttr(default="")

    @property
    def file(self) -> str:
        """The file that it was read from, "" for one that was made otherwise."""
        return self._file

    def read_from(self, file: Path) -> "FaultScript":
        """Remembers the file, for messages of those who read what is theirs in it."""
        self._file = str(file)
        return self


def read_limits(form: type[Form], limits: Mapping[str, Any]) -> Form:
    """The limits under `quotas:` in the form of a cloud. SpecError with every problem."""
    try:
        return form.model_validate(limits)
    except ValidationError as error:
        problems = explain(error, form, limits)
        raise SpecError([replace(one, path=f"quotas.{one.path}") for one in problems]) from error


def read_faults(file: Path) -> FaultScript:
    """The script. SpecError with every problem, each with path, value and remedy.

    What stands under `quotas:` is a cloud's own; its rules check it.
    """
    try:
        content = read_yaml(file.read_bytes()).data
    except OSError as error:
        raise SpecError([Problem(path=str(file), message=f"{error.strerror}; name a fault script")]) from error
    except YamlError as error:
        raise SpecError([Problem(path=str(file), message=f"is not YAML: {error}")]) from error
    kinds = ", ".join(f"`{field.alias}:`" for field in FaultScript.model_fields.values())
    if not isinstance(content, Mapping | None):
        raise SpecError([Problem(path=str(file), message=f"is not a mapping; write {kinds}, as docs/faults shows")])
    try:
        script = FaultScript.model_validate(content or {})
    except ValidationError as error:
        raise SpecError(explain(error, FaultScript, content or {}), source=str(file)) from error
    if script == FaultScript():
        raise SpecError([Problem(path=str(file), message=f"holds no fault; write {kinds}, as docs/faults shows")])
    return script.read_from(file)
