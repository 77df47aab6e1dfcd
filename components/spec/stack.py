"""One stack file as a value, and the way from what a user wrote to it."""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, create_model

from components.errors import Problem, SpecError
from components.spec.base import Spec
from components.spec.choice import ONE_OF, as_chosen
from components.spec.cluster import ClusterSpec
from components.spec.editor import Choices, for_editors
from components.spec.explain import closest, explain
from components.spec.images import ImagesSpec
from components.spec.inference import InferenceSpec
from components.spec.keys import PREFIX, as_in_the_file, others_keys, own_keys, provider_keys, wrong_keys
from components.spec.meant import with_keys_as_meant
from components.spec.platform import PlatformSpec
from components.spec.rest import OF_EVERY_CLOUD, is_under, with_stand_ins
from components.spec.scheduler import SchedulerSpec
from components.spec.storage import StorageSpec
from components.spec.training import TrainingSpec, of_the_own_trainer

Form = TypeVar("Form", bound=Spec)


class Asked(Spec):
    """The keys of a stack file that every cloud has."""

    cluster: ClusterSpec
    storage: StorageSpec = StorageSpec()
    platform: PlatformSpec = PlatformSpec()
    images: ImagesSpec = ImagesSpec()
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
    existing_network: Spec | None = Field(default=None, exclude=True)
    """The network that is there already, `cluster.network.existing`, in the cloud's own form. None where the stack
    makes one.
    """
    warnings: tuple[str, ...] = Field(default=(), exclude=True)
    """Warnings of the file's reader: values that it could not read or passed over."""
    refused: frozenset[str] = Field(default=frozenset(), exclude=True)
    """Paths of what has the wrong form. The sections that hold it are left out: only for a look at the others."""
    stood_in: frozenset[str] = Field(default=frozenset(), exclude=True)
    """Places of the wrong form in whose place something right stands, so that their sections are not left out."""

    @property
    def wrong(self) -> frozenset[str]:
        """Names of the sections that are left out for their form; of the cluster too, which is then not there."""
        return _sections(self.refused, self.stood_in)


class FormError(SpecError):
    """Problems of a stack file's form. `rest` is what has the right form, by which more of it can be judged."""

    def __init__(self, problems: Iterable[Problem], source: str, rest: StackSpec) -> None:
        super().__init__(problems, source, show=as_in_the_file)
        self.rest = rest


Clouds = Mapping[str, Callable[[], type[Spec]] | None]
"""Every cloud by name, with how to load the form of its own key; None where it has no key. All of a form's fields have
defaults."""


def parse_stack(
    config: Mapping[str, Any], source: str, clouds: Clouds = MappingProxyType({}), *, project: str = ""
) -> StackSpec:
    """The spec that the keys of a stack file describe; FormError with every problem at once.

    `config` maps keys such as `penstock:cluster` to plain data; keys of providers are handed on or refused; of those of
    other namespaces a warning tells that nobody reads them. `source` names the file in messages, `project` the
    namespace that the engine gives a key without.
    Without `clouds` every name is a cloud's, and none has a key of its own.
    """
    forms = {cloud: form for cloud, form in clouds.items() if form}
    own, problems = own_keys(config, (*Asked.model_fields, *forms), project)
    cloud = _cloud_of(own, clouds)
    shared = {key: value for key, value in own.items() if key not in forms}
    problems += [_of_another_cloud(key, cloud) for key in own if key in forms and cloud not in (key, "None")]
    shared, of_trainer = _without_the_own_trainers(shared)
    problems += of_trainer
    asked = _validated(Asked, shared, "", problems, clouds)
    settings = _validated(forms[cloud](), own.get(cloud, {}), f"{cloud}.", problems) if cloud in forms else None
    account = _account(config, cloud, forms, problems) if clouds else None
    network = _existing_network(own, cloud, forms, problems) if clouds else None
    unread, misspelled = others_keys(config, (*Asked.model_fields, *forms), project) if clouds else ([], [])
    problems += misspelled
    if problems or asked is None:
        left_out = frozenset(problem.path for problem in of_trainer)
        wrong = {problem.path for problem in problems} - left_out
        rest = _rest(shared, wrong, cloud, clouds)
        rest = rest.model_copy(update={"refused": rest.refused | left_out, "stood_in": rest.stood_in | left_out})
        if settings is None and cloud in forms:
            settings, stood_in = _settings_of_rest(forms[cloud](), cloud, own.get(cloud), wrong)
            rest = rest.model_copy(update={"stood_in": rest.stood_in | stood_in})
        own_forms = {"settings": settings, "account": account, "existing_network": network}
        raise FormError(problems, source, rest.model_copy(update=own_forms))
    return StackSpec.model_construct(
        **{name: getattr(asked, name) for name in Asked.model_fields}, settings=settings, account=account,
        existing_network=network, warnings=tuple(unread),
    )  # fmt: skip


def _without_the_own_trainers(shared: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The same without what only penstock's own trainer reads, in a run of a command, and a problem for each."""
    training = shared.get("training")
    found = of_the_own_trainer(training) if isinstance(training, Mapping) else []
    if not isinstance(training, Mapping) or not found:
        return dict(shared), []
    message = "is for penstock's own trainer; tell the command by its own arguments, and remove it"
    kept = {key: value for key, value in training.items() if key not in found}
    return {**shared, "training": kept}, [Problem(path=f"training.{key}", message=message) for key in found]


def _rest(shared: Mapping[str, Any], refused: set[str], cloud: str, clouds: Clouds) -> StackSpec:
    """The sections in which nothing is refused, or which have stand-ins for it; the cluster on the cloud that was
    meant."""
    cluster, misspelled = with_keys_as_meant(Asked, {key: one for key, one in shared.items() if key == "cluster"})
    chosen, _ = as_chosen(Asked, {**shared, **cluster})
    given, stood_in = with_stand_ins(chosen, refused, OF_EVERY_CLOUD)
    stood_in |= misspelled & refused
    if isinstance(given.get("cluster"), Mapping):
        given["cluster"] = given["cluster"] | {"cloud": cloud}
        refused = refused - ({"cluster.cloud"} if cloud in clouds else set())
    sections: dict[str, Any] = {}
    for name in given.keys() - _sections(refused, stood_in):
        form: TypeAdapter[Any] = TypeAdapter(Asked.__annotations__[name])
        context = {"clouds": tuple(clouds)}
        try:
            sections[name] = form.validate_json(json.dumps(given[name]), by_alias=True, by_name=False, context=context)
        except ValidationError:
            refused = {*refused, name}
    return StackSpec.model_construct(**sections, refused=frozenset(refused), stood_in=stood_in)


def _settings_of_rest(
    form: type[Spec], cloud: str, given: Any, refused: set[str]
) -> tuple[Spec | None, frozenset[str]]:
    """The cloud's own key with stand-ins for what is refused in it (`places`), and these; None where it has none."""
    prefix = f"{cloud}."
    wrong = {path.removeprefix(prefix) for path in refused if path.startswith(prefix)}
    named, misspelled = with_keys_as_meant(form, given)
    chosen, _ = as_chosen(form, named)
    mended, places = with_stand_ins(chosen, wrong, getattr(form, "places", {}))
    places |= misspelled & wrong
    settings = _validated(form, mended, prefix, []) if places else None
    return settings, frozenset(f"{prefix}{place}" for place in places) if settings else frozenset()


def _sections(refused: Iterable[str], stood_in: frozenset[str]) -> frozenset[str]:
    """Names of the sections that are left out for what is refused in them."""
    return frozenset(path.partition(".")[0] for path in refused if not is_under(path, stood_in))


def _account(
    config: Mapping[str, Any], cloud: str, forms: Mapping[str, Callable[[], type[Spec]]], problems: list[Problem]
) -> Spec | None:
    """The keys of the cloud's provider, in the form that its settings name (`account_form`); None without one."""
    form: type[Spec] | None = getattr(forms[cloud](), "account_form", None) if cloud in forms else None
    given, dropped = provider_keys(config, cloud, accepts=form is not None)
    problems += dropped
    return _validated(form, given, f"{cloud}:", problems) if form else None


def _existing_network(
    own: Mapping[str, Any], cloud: str, forms: Mapping[str, Callable[[], type[Spec]]], problems: list[Problem]
) -> Spec | None:
    """`cluster.network.existing` in the form that the cloud's settings name (`network_form`); None where it is left
    out."""
    given: Any = own
    for key in ("cluster", "network", "existing"):
        around, given = given, given.get(key) if isinstance(given, Mapping) else None
    path = "cluster.network.existing"
    if isinstance(around, Mapping) and list(around) == ["existing"] and given is None:
        message = "null names no network; give it `vpc` and `subnets`, or remove it: the stack then makes a network"
        problems.append(Problem(path=path, message=message))
    if not isinstance(given, Mapping):
        return None  # whose own form is wrong has been told
    form: type[Spec] | None = getattr(forms[cloud](), "network_form", None) if cloud in forms else None
    if form is None:
        problems.append(Problem(path=path, message=f"a stack on {cloud or 'no cloud'} makes no network; remove it"))
        return None
    return _validated(form, given, f"{path}.", problems)


def stack_error(problems: Iterable[Problem], source: str) -> SpecError:
    """All problems of a stack file. What is shown carries penstock's prefix, as it does in the file."""
    return SpecError(problems, source, show=as_in_the_file)


def _cloud_of(own: Mapping[str, Any], clouds: Clouds) -> str:
    """The cloud of the stack: as it is written, or the one that was meant by that."""
    cluster = own.get("cluster")
    written = str(cluster.get("cloud")) if isinstance(cluster, Mapping) else ""
    return written if written in clouds else closest(written, clouds) or written


def _of_another_cloud(key: str, cloud: str) -> Problem:
    remedy = f"remove it, or set cluster.cloud to {key}"
    return Problem(path=key, message=f"is for the cloud {key}, and this stack is on {cloud or 'none'}; {remedy}")


def _validated(
    model: type[Form], data: Any, prefix: str, problems: list[Problem], clouds: Iterable[str] = ()
) -> Form | None:
    chosen, found = as_chosen(model, data)
    text = json.dumps(chosen, default=str)
    valid: Form | None = None
    try:
        valid = model.model_validate_json(text, by_alias=True, by_name=False, context={"clouds": tuple(clouds)})
    except ValidationError as error:
        empty = {one.path.rpartition(".")[0] for one in found}
        told = {(one.path, one.message) for one in found}
        others = (one for one in explain(error, model, chosen) if (one.path, one.message) not in told)
        found = (*(one for one in others if not (one.path in empty and one.message.startswith(ONE_OF))), *found)
    problems += [Problem(path=f"{prefix}{problem.path}".rstrip(".:"), message=problem.message) for problem in found]
    return None if found else valid


def stack_schema(clouds: Clouds = MappingProxyType({}), choices: Choices | None = None) -> dict[str, Any]:
    """The JSON schema of a stack file (draft 2020-12), for editors, with names to choose from."""
    forms = {name: form() for name, form in clouds.items() if form}
    fields: dict[str, Any] = {name: (form, form()) for name, form in forms.items()}
    config = create_model("Config", __base__=_Config, **fields)
    wrong = wrong_keys((*Asked.model_fields, *forms))
    description = "Configuration of the stack; keys that begin with `penstock:` are penstock's"
    file = create_model("StackFile", __base__=_StackFile, config=(config, Field(description=description)))
    schema = file.model_json_schema(by_alias=True)
    _name_networks(schema, forms.values())
    schema = for_editors(schema, choices or Choices())
    schema["$defs"]["Config"]["patternProperties"] = wrong
    schema["$defs"]["ClusterSpec"]["properties"]["cloud"]["enum"] = list(clouds)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "penstock stack file",
        "description": "Pulumi.STACK.yaml of a penstock project",
    }


def _name_networks(schema: dict[str, Any], forms: Iterable[type[Spec]]) -> None:
    """Gives `cluster.network.existing` the forms of the clouds that have one."""
    existing, choices = schema["$defs"]["NetworkSpec"]["properties"]["existing"], []
    for form in filter(None, (getattr(one, "network_form", None) for one in forms)):
        own = form.model_json_schema(by_alias=True)
        schema["$defs"] |= own.pop("$defs", {}) | {form.__name__: own}
        choices.append({"$ref": f"#/$defs/{form.__name__}"})
    if choices:
        existing["anyOf"] = choices


class _Config(Asked):
    """The keys of penstock as they stand in a stack file, for the schema."""

    model_config = ConfigDict(extra="allow", alias_generator=lambda name: PREFIX + name)


class _StackFile(Spec):
    model_config = ConfigDict(extra="allow")
