"""One stack file as a value, and the way from what a user wrote to it."""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, create_model

from components.errors import Problem, SpecError
from components.spec.base import Spec
from components.spec.cluster import ClusterSpec
from components.spec.editor import Choices, for_editors
from components.spec.explain import explain
from components.spec.inference import InferenceSpec
from components.spec.keys import PREFIX, as_in_the_file, others_keys, own_keys, provider_keys, wrong_keys
from components.spec.platform import PlatformSpec
from components.spec.scheduler import SchedulerSpec
from components.spec.storage import StorageSpec
from components.spec.training import TrainingSpec

Form = TypeVar("Form", bound=Spec)


class Asked(Spec):
    """The keys of a stack file that every cloud has."""

    cluster: ClusterSpec
    storage: StorageSpec = StorageSpec()
    platform: PlatformSpec = PlatformSpec()
    scheduler: SchedulerSpec = SchedulerSpec()
    training: TrainingSpec | None = None
    inference: InferenceSpec | None = None


class StackSpec(Asked):
    """Everything under `config:` of a stack file that is penstock's."""

    settings: Spec | None = Field(default=None, exclude=True)
    """Settings that only the stack's cloud has: the key of the cloud's own name, `penstock:aws`. None where it has
    none.
    """
    account: Spec | None = Field(default=None, exclude=True)
    """Keys of the cloud's provider, `aws:profile`, that penstock hands on. None where the cloud has none."""
    warnings: tuple[str, ...] = Field(default=(), exclude=True)
    """Warnings of the file's reader: values that it could not read or passed over."""


Clouds = Mapping[str, Callable[[], type[Spec]] | None]
"""Every cloud by name, with how to load the form of its own key; None where it has no key. All of a form's fields have
defaults."""


def parse_stack(
    config: Mapping[str, Any], source: str, clouds: Clouds = MappingProxyType({}), *, project: str = ""
) -> StackSpec:
    """The spec that the keys of a stack file describe; SpecError with every problem at once.

    `config` maps keys such as `penstock:cluster` to plain data; keys of providers are handed on or refused; of those of
    other namespaces a warning tells that nobody reads them. `source` names the file in messages, `project` the
    namespace that the engine gives a key without.
    Without `clouds` every name is a cloud's, and none has a key of its own.
    """
    forms = {cloud: form for cloud, form in clouds.items() if form}
    own, problems = own_keys(config, (*Asked.model_fields, *forms), project)
    cloud = _cloud_of(own)
    shared = {key: value for key, value in own.items() if key not in forms}
    problems += [_of_another_cloud(key, cloud) for key in own if key in forms and key != cloud]
    asked = _validated(Asked, shared, "", problems, clouds)
    settings = _validated(forms[cloud](), own.get(cloud, {}), f"{cloud}.", problems) if cloud in forms else None
    account = _account(config, cloud, forms, problems) if clouds else None
    unread, misspelled = others_keys(config, (*Asked.model_fields, *forms), project) if clouds else ([], [])
    problems += misspelled
    if problems or asked is None:
        raise stack_error(problems, source)
    return StackSpec.model_construct(
        **{name: getattr(asked, name) for name in Asked.model_fields}, settings=settings, account=account,
        warnings=tuple(unread),
    )  # fmt: skip


def _account(
    config: Mapping[str, Any], cloud: str, forms: Mapping[str, Callable[[], type[Spec]]], problems: list[Problem]
) -> Spec | None:
    """The keys of the cloud's provider, in the form that its settings name (`account_form`); None without one."""
    form: type[Spec] | None = getattr(forms[cloud](), "account_form", None) if cloud in forms else None
    given, dropped = provider_keys(config, cloud, accepts=form is not None)
    problems += dropped
    return _validated(form, given, f"{cloud}:", problems) if form else None


def stack_error(problems: Iterable[Problem], source: str) -> SpecError:
    """All problems of a stack file. What is shown carries penstock's prefix, as it does in the file."""
    return SpecError(problems, source, show=as_in_the_file)


def _cloud_of(own: Mapping[str, Any]) -> str:
    cluster = own.get("cluster")
    return str(cluster.get("cloud")) if isinstance(cluster, Mapping) else ""


def _of_another_cloud(key: str, cloud: str) -> Problem:
    remedy = f"remove it, or set cluster.cloud to {key}"
    return Problem(path=key, message=f"is for the cloud {key}, and this stack is on {cloud or 'none'}; {remedy}")


def _validated(
    model: type[Form], data: Any, prefix: str, problems: list[Problem], clouds: Iterable[str] = ()
) -> Form | None:
    text = json.dumps(data, default=str)
    try:
        return model.model_validate_json(text, by_alias=True, by_name=False, context={"clouds": tuple(clouds)})
    except ValidationError as error:
        found = explain(error, model, data)
        problems += [Problem(path=f"{prefix}{problem.path}".rstrip(".:"), message=problem.message) for problem in found]
        return None


def stack_schema(clouds: Clouds = MappingProxyType({}), choices: Choices | None = None) -> dict[str, Any]:
    """The JSON schema of a stack file (draft 2020-12), for editors, with names to choose from."""
    forms = {name: form() for name, form in clouds.items() if form}
    fields: dict[str, Any] = {name: (form, form()) for name, form in forms.items()}
    config = create_model("Config", __base__=_Config, **fields)
    wrong = wrong_keys((*Asked.model_fields, *forms))
    description = "Configuration of the stack; keys that begin with `penstock:` are penstock's"
    file = create_model("StackFile", __base__=_StackFile, config=(config, Field(description=description)))
    schema = for_editors(file.model_json_schema(by_alias=True), choices or Choices())
    schema["$defs"]["Config"]["patternProperties"] = wrong
    schema["$defs"]["ClusterSpec"]["properties"]["cloud"]["enum"] = list(clouds)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "penstock stack file",
        "description": "Pulumi.STACK.yaml of a penstock project",
    }


class _Config(Asked):
    """The keys of penstock as they stand in a stack file, for the schema."""

    model_config = ConfigDict(extra="allow", alias_generator=lambda name: PREFIX + name)


class _StackFile(Spec):
    model_config = ConfigDict(extra="allow")
