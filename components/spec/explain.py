"""Pydantic's findings in the user's words: path as in the stack file, the value, and what would be right."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.errors import Problem

_KIND = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def explain(error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]) -> tuple[Problem, ...]:
    """One problem for each finding of `error`, in the order of the spec; `data` is what the user wrote."""
    details = error.errors()
    return tuple(_problem(detail, model, data) for detail in details if not _echoes(detail, details))


def _echoes(detail: ErrorDetails, others: Sequence[ErrorDetails]) -> bool:
    """Pydantic counts an element that is wrong as absent: a list is then also called too short."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        other is not detail and other["loc"][: len(place)] == place for other in others
    )


def _problem(detail: ErrorDetails, model: type[BaseModel], data: Mapping[str, Any]) -> Problem:
    path = readable_path(detail["loc"], data)
    if detail["type"] == "value_error":
        # Validators of a spec write `field: what is wrong`, relative to the spec they stand in.
        where, colon, what = detail["msg"].removeprefix("Value error, ").partition(": ")
        return (
            Problem(path=".".join(filter(None, (path, where))), message=what)
            if colon
            else Problem(path=path, message=where)
        )
    return Problem(path=path, message=_message(detail, model))


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return _unknown_key(detail["loc"], model)
        case "missing":
            return "is required and missing"
        case "enum" | "literal_error":
            return f"{value!r} is not one of {context['expected']}{suggestion(value, _choices(context['expected']))}"
        case "greater_than_equal" | "greater_than" | "less_than" | "less_than_equal":
            return f"{value} is out of range; {_bound(kind, context)} is right"
        case "string_pattern_mismatch":
            return (
                f"{value!r} is not a name: lower-case letters, digits and dashes, a letter first, 40 characters at most"
            )
        case "too_short":
            return f"needs at least {context['min_length']} entry"
        case _ if kind in _KIND:
            return f"{value!r} is not {_KIND[kind]}"
        case _:
            return f"{value!r}: {detail['msg']}"


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    (limit,) = (context[key] for key in ("ge", "gt", "lt", "le") if key in context)
    words = {"greater_than_equal": "or more", "less_than_equal": "or less"}
    if kind in words:
        return f"{limit} {words[kind]}"
    return f"{'more' if kind == 'greater_than' else 'less'} than {limit}"


def _choices(expected: str) -> list[str]:
    return [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]


def suggestion(value: object, choices: Sequence[str]) -> str:
    """`; did you mean 'x'?` for the closest of the choices, or nothing when none is close."""
    close = get_close_matches(str(value), choices, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def _unknown_key(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    owner: type[BaseModel] | None = model
    for step in location[:-1]:
        if isinstance(step, str) and owner is not None:
            owner = _model_of(owner, step)
    keys = [field.alias or name for name, field in owner.model_fields.items()] if owner else []
    hint = suggestion(location[-1], keys)
    return f"unknown key{hint or '; known are ' + ', '.join(sorted(keys))}"


def _model_of(owner: type[BaseModel], key: str) -> type[BaseModel] | None:
    for name, field in owner.model_fields.items():
        if key in (name, field.alias):
            return _inner_model(field.annotation)
    return None


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list) or isinstance(annotation, UnionType):
        return next(filter(None, map(_inner_model, get_args(annotation))), None)
    return None


def readable_path(location: tuple[int | str, ...], data: Any) -> str:
    """`cluster.nodePools.train.machineType`: a list's element goes by its name where it has one, else by its number."""
    parts: list[str] = []
    for step in location:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        name = data.get("name") if isinstance(step, int) and isinstance(data, Mapping) else None
        parts.append(str(name if isinstance(name, str) else step))
    return ".".join(parts)
