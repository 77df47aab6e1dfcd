"""The forms of a stack file, walked by its keys: which models and mappings may stand where."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def forms_of(place: Sequence[int | str], model: type[BaseModel]) -> list[Any]:
    """The models and mappings of which the value in a place may be."""
    owners: list[Any] = [model]
    for step in place:
        if isinstance(step, str):
            owners = forms_at(owners, step)
    return owners


def forms_at(owners: Sequence[Any], step: str) -> list[Any]:
    """The models and mappings that may stand under a key, or those of a union that its tag leaves."""
    models = []
    for owner in owners:
        if get_origin(owner) is dict:
            return models_in(get_args(owner)[1])
        models.append(owner)
        for name, field in owner.model_fields.items():
            if step in (name, field.alias):
                return models_in(field.annotation)
    return [owner for owner in models if has_kinds(owner) and is_of_kind(owner, step)]


def models_in(annotation: Any) -> list[Any]:
    """Models, and mappings whose keys the user chooses, of which a value or an element of it may be."""
    if isinstance(annotation, type) and not get_origin(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if get_origin(annotation) is dict:
        return [annotation]
    if get_origin(annotation) is Annotated:
        return models_in(get_args(annotation)[0])
    if get_origin(annotation) in (tuple, list, Union) or isinstance(annotation, UnionType):
        return [found for part in get_args(annotation) for found in models_in(part)]
    return []


def keys_of(form: Any) -> set[str]:
    """The keys of a model as a stack file has them; none of another form."""
    if not (isinstance(form, type) and issubclass(form, BaseModel)):
        return set()
    return {field.alias or name for name, field in form.model_fields.items()}


def has_kinds(form: Any) -> bool:
    """True if it is a model of a union that `kind` tells apart."""
    return "kind" in keys_of(form)


def is_of_kind(model: type[BaseModel], kind: str) -> bool:
    """True if it is the model of a union that this tag chooses."""
    return kind in get_args(model.model_fields["kind"].annotation)


def siblings(place: tuple[int | str, ...], model: type[BaseModel]) -> list[Any]:
    """The models of the other kinds, where a place ends with the tag of a union."""
    if not place or not isinstance(place[-1], str):
        return []
    forms = forms_of(place[:-1], model)
    tagged = any(has_kinds(form) and is_of_kind(form, place[-1]) for form in forms)
    return [form for form in forms if has_kinds(form)] if tagged else []


def kind_of(form: type[BaseModel]) -> str:
    """The tag of a model of a union; empty where it has none of its own."""
    return next(iter(get_args(form.model_fields["kind"].annotation)), "")
