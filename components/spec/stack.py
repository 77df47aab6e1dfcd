"""One stack file as a value, and the way from what a user wrote to it."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from components.errors import SpecError
from components.spec.base import Spec
from components.spec.cluster import ClusterSpec, SchedulerSpec, StorageSpec
from components.spec.explain import explain
from components.spec.inference import InferenceSpec
from components.spec.training import TrainingSpec

NAMESPACE = "penstock:"
"""Pulumi's prefix for the keys of this project in a stack file."""


class StackSpec(Spec):
    """Everything under `config:` of a stack file that is penstock's."""

    cluster: ClusterSpec
    storage: StorageSpec = StorageSpec()
    scheduler: SchedulerSpec = SchedulerSpec()
    training: TrainingSpec | None = None
    inference: InferenceSpec | None = None


def parse_stack(config: Mapping[str, Any], source: str) -> StackSpec:
    """The spec that the keys of a stack file describe; SpecError with every mistake at once.

    `config` maps keys such as `penstock:cluster` to plain data; keys of other namespaces belong to other programs and
    are passed over. `source` names the file in messages.
    """
    own = {key.removeprefix(NAMESPACE): value for key, value in config.items() if key.startswith(NAMESPACE)}
    try:
        return StackSpec.model_validate_json(json.dumps(own, default=str))
    except ValidationError as error:
        raise SpecError(explain(error, StackSpec, own), source) from None


class _Config(Spec):
    """The keys of penstock as they stand in a stack file, for the schema."""

    model_config = ConfigDict(extra="allow", alias_generator=lambda name: NAMESPACE + name)

    cluster: ClusterSpec
    storage: StorageSpec = StorageSpec()
    scheduler: SchedulerSpec = SchedulerSpec()
    training: TrainingSpec | None = None
    inference: InferenceSpec | None = None


class _StackFile(Spec):
    model_config = ConfigDict(extra="allow")

    config: _Config = Field(description="Configuration of the stack; penstock reads the keys that begin with its name")


def stack_schema() -> dict[str, Any]:
    """The JSON schema of a stack file (draft 2020-12), for editors."""
    schema = _StackFile.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "penstock stack file",
        "description": "Pulumi.<stack>.yaml of a penstock project",
    }
