"""A fault script: what goes wrong in a rehearsal, written in YAML. docs/faults has examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from components.engine_yaml import YamlError, read_yaml
from components.errors import Problem, SpecError
from components.spec.base import form
from components.spec.explain import explain

Times = int | Literal["always"]
OPERATION = form(r"^[a-z0-9-]+:[A-Za-z0-9*]+$", "service:Operation, such as ec2:CreateSubnet or eks:Create*")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True)


class NoCapacity(_Part):
    """AWS has no machines of a type, in a zone or anywhere."""

    machine_type: str
    zone: str | None = None
    times: Times = Field(default=1, description="how many pools meet it")


class PartOfAPool(_Part):
    """Some of a pool's nodes come up, the others do not."""

    resource: str = Field(description="the pool's name in the program; * stands for anything")
    nodes: int = Field(ge=0, description="how many come up")
    times: Times = 1


class Throttle(_Part):
    """AWS refuses requests at random because there were too many; the provider asks again."""

    rate: float = Field(ge=0, le=1)
    attempts: int = Field(default=25, ge=1, description="how often the provider asks before it gives up")
    seed: int = 0


class RequestError(_Part):
    """A request is refused."""

    operation: str = Field(pattern=OPERATION, description="service:Operation; * stands for anything")
    resource: str = "*"
    nth: int = Field(default=1, ge=1, description="the first that is refused of those that match")
    times: Times = 1
    code: str = "InternalError"
    message: str = "An internal error has occurred"


class Kill(_Part):
    """The engine is killed at this request to AWS, or this change in Kubernetes, counted over the rehearsal."""

    at_request: int | None = Field(default=None, ge=1)
    at_kubernetes_request: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Kill":
        if (self.at_request is None) == (self.at_kubernetes_request is None):
            raise ValueError("atRequest: counts requests to AWS, atKubernetesRequest: those to Kubernetes; one of both")
        return self


class SilentWebhook(_Part):
    """The webhook that judges a kind of object does not answer."""

    kind: str = Field(default="*", description="ClusterQueue, JobSet; * stands for anything")
    times: Times = 1


class Drift(_Part):
    """Somebody changes or deletes something by another way, after a phase."""

    after: str = Field(description="the phase's name: up, up again, refresh")
    resource: str
    type: str = "*"
    set: dict[str, Any] | None = None
    delete: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "Drift":
        if (self.set is None) == (not self.delete):
            raise ValueError("set: says what changes, or delete: true; one of both")
        return self


class VcpuQuota(_Part):
    """How many vCPUs of a family of machine types may run."""

    family: Literal["p4", "p5", "p6", "g", "trn", "inf", "standard"]
    spot: bool = False
    vcpus: int = Field(ge=0)


class Quotas(_Part):
    """The account's limits; what is not named is no limit."""

    vpcs: int | None = Field(default=None, ge=0)
    elastic_ips: int | None = Field(default=None, ge=0)
    vcpus: tuple[VcpuQuota, ...] = Field(default=(), strict=False)


class LoadBalancer(_Part):
    """A load balancer that a controller in a cluster makes after a phase, with its interfaces and security group."""

    after: str = "up"
    cluster: str = Field(default="*", description="the cluster's name")


class FaultScript(_Part):
    """All that goes wrong. Nothing does where nothing is written."""

    capacity: tuple[NoCapacity, ...] = Field(default=(), strict=False)
    partial: tuple[PartOfAPool, ...] = Field(default=(), strict=False)
    throttle: Throttle | None = None
    errors: tuple[RequestError, ...] = Field(default=(), strict=False)
    kill: tuple[Kill, ...] = Field(default=(), strict=False)
    drift: tuple[Drift, ...] = Field(default=(), strict=False)
    quotas: Quotas = Quotas()
    load_balancers: tuple[LoadBalancer, ...] = Field(default=(), strict=False)
    webhooks: tuple[SilentWebhook, ...] = Field(default=(), strict=False)


def read_faults(file: Path) -> FaultScript:
    """The script. SpecError with every mistake, each with path, value and remedy."""
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
    return script
