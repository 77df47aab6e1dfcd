"""Decided serving that AWS alone has."""

from dataclasses import dataclass
from typing import Literal

from components.plan.part import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTime:
    """Machines that always run, between two counts."""

    machine_type: str
    count: int
    max_count: int
    requests_per_machine: int
    """At a time: what the number of machines follows where the counts differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serverless:
    memory_mib: int
    max_concurrency: int
    provisioned_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asynchronous:
    """No machine while the queue is empty, up to `max_count` when it grows."""

    machine_type: str
    max_count: int
    output: str
    backlog_per_machine: int
    """Waiting requests that the number of machines follows, once one runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """A SageMaker endpoint with one variant of one model."""

    name: str
    key: str
    """Its name in the stack file."""
    revision: str
    """Of model and configuration, which cannot change: another image or machine is another revision beside the old."""
    image: str
    repository_arn: str
    """Repository from which its role may pull the image."""
    model_data: str | None
    serve: RealTime | Serverless | Asynchronous


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModelPlan:
    """A job that fine-tunes one of Bedrock's models, and the model that it leaves."""

    name: str
    key: str
    """Its name in the stack file."""
    base_model_arn: str
    training_data: str
    output: str
    hyperparameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputPlan:
    """Model units, of a model by its ARN or of one that the stack trains."""

    name: str
    key: str
    model_arn: str | None
    custom_model: str | None
    """The key of the CustomModelPlan, where there is no ARN."""
    units: int
    commitment: Literal["OneMonth", "SixMonths"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAcceleratorPlan:
    name: str
    key: str
    load_balancer_arn: str
    region: str
    """Of the load balancer."""
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """Empty unless the stack file asks for something."""

    endpoints: tuple[EndpointPlan, ...]
    custom_models: tuple[CustomModelPlan, ...]
    throughput: tuple[ThroughputPlan, ...]
    global_accelerators: tuple[GlobalAcceleratorPlan, ...]
    decisions: tuple[Decision, ...]
