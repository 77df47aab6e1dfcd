"""Pydantic's findings in the user's words: path as in the stack file, the value, and what would be right."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.errors import Problem, SpecError
from components.spec.base import Spec, as_go_writes_it, form_in_words
from components.spec.forms import forms_at, forms_of, keys_of, kind_of, siblings

_Model = TypeVar("_Model", bound=BaseModel)

MOST_SHOWN = 100
"""Characters of a value that a message repeats."""

_OTHERS = {
    "json_invalid": "holds text that is not Unicode; remove it",
    "union_tag_not_found": "needs `kind`, which says what it is",
    "missing": "is required and missing",
}
_TRUE_OR_FALSE = dict.fromkeys(("yes", "y", "on", "1"), "true") | dict.fromkeys(("no", "n", "off", "0"), "false")
_KIND = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of a size that can be meant",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "timezone_aware": "a point in time with its zone, such as 2027-01-31T12:00:00Z",
    "ip_any_network": "a network such as 10.0.0.0/16",
}


def explain(error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]) -> tuple[Problem, ...]:
    """One problem for each finding of `error`, in the order of the spec; `data` is what the user wrote."""
    details = error.errors()
    return tuple(_problem(detail, model, data) for detail in details if not _echoes(detail, details))


def read_json(model: type[_Model], text: str | bytes, source: str = "") -> _Model:
    """Reads the description in the text of a JSON file; SpecError with every problem."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpecError([Problem(path="(text)", message=f"is not JSON ({error}); correct it")], source=source) from None
    if not isinstance(data, dict):
        message = f"{shown(data)} is not a mapping of keys to values; write {{...}}"
        raise SpecError([Problem(path="(text)", message=message)], source=source)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise SpecError(explain(error, model, data), source=source) from None


def _echoes(detail: ErrorDetails, others: Sequence[ErrorDetails]) -> bool:
    """True if another finding says it again: an element that is wrong counts as absent, so that its list is called too
    short, and a key that is misspelled is called missing.
    """
    place = detail["loc"]
    if detail["type"] == "too_short":
        return any(other is not detail and other["loc"][: len(place)] == place for other in others)
    unknown = (other["loc"] for other in others if other["type"] == "extra_forbidden")
    beside = [str(other[-1]) for other in unknown if other[:-1] == place[:-1]]
    return detail["type"] == "missing" and bool(beside and suggestion(place[-1], beside))


def _problem(detail: ErrorDetails, model: type[BaseModel], data: Mapping[str, Any]) -> Problem:
    path = "config" if detail["type"] == "json_invalid" else readable_path(detail["loc"], data)
    if detail["type"] == "union_tag_invalid" and isinstance(detail["input"], Mapping) and "kind" in detail["input"]:
        path = f"{path}.kind"
    if detail["type"] == "value_error":
        # Validators of a spec write `field: what is wrong`, relative to the spec they stand in.
        where, colon, what = detail["msg"].removeprefix("Value error, ").partition(": ")
        return (
            Problem(path=".".join(filter(None, (path, where))), message=what)
            if colon and " " not in where
            else Problem(path=path, message=f"{where}{colon}{what}")
        )
    return Problem(path=path, message=_message(detail, model))


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return _unknown_key(detail["loc"], model)
        case _ if kind in _OTHERS:
            return _OTHERS[kind] + (_with_what(detail["loc"], model) if kind == "missing" else "")
        case "enum" | "literal_error":
            return _not_one_of(value, context["expected"])
        case "union_tag_invalid":
            return _not_one_of(context["tag"], context["expected_tags"])
        case "greater_than_equal" | "greater_than" | "less_than" | "less_than_equal":
            return f"{shown(value)} is out of range; {_bound(kind, context)} is right"
        case "string_pattern_mismatch" | "string_type" if pattern := context.get("pattern") or _missed(detail, model):
            quotes = " (without quotes 1.30 is 1.3)" if isinstance(value, float) else ""
            return f"{shown(value)} is not {form_in_words(pattern)}{quotes}"
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            return _length(kind, value, context)
        case "multiple_of":
            step = context["multiple_of"]
            return f"{shown(value)} is not a multiple of {step}; take {-(-value // step) * step}"
        case "model_type" | "model_attributes_type":
            return f"{_of_another_kind(detail)}{_keys_for(value, _keys_at(detail['loc'], model), detail['loc'], model)}"
        case _:
            return _of_another_kind(detail)


def _keys_for(value: object, known: Sequence[str], place: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Remedy where a mapping belongs: its keys, or nothing in it, or its kind where the value is one."""
    if value is None:
        return ""
    if not known:
        return "; write {}"
    if value in [kind_of(form) for form in siblings(place, model)]:
        return f"; write keys with their values, of which one is kind: {value}"
    needed = any(field.is_required() for form in forms_of(place, model) for field in form.model_fields.values())
    defaults = ", or {} for what is usual" if value is True and not needed else ""
    return f"; write keys with their values: {', '.join(known)}{defaults}"


def _with_what(place: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Remedy where a mapping is missing, or a list of them: the keys that each needs."""
    fields = (field for form in forms_of(place, model) if keys_of(form) for field in form.model_fields.items())
    needed = [field.alias or name for name, field in fields if field.is_required()]
    return f"; write it with {' and '.join(needed)}" if needed else ""


def _missed(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Pattern of the text that belongs in a place, where the value would not match it as a text either."""
    value, pattern = detail["input"], _pattern_at(detail["loc"], model)
    fits = isinstance(value, int | float) and re.search(pattern, shown(value))
    return "" if value is None or fits else pattern


def _length(kind: str, value: object, context: Mapping[str, Any]) -> str:
    few = "min_length" in context
    count = context["min_length" if few else "max_length"]
    limit = f"at {'least' if few else 'most'} {count}"
    if kind.startswith("string"):
        return f"{shown(value)} is too {'short' if few else 'long'}; {limit} character{'' if count == 1 else 's'}"
    return f"needs {limit} {'entry' if count == 1 else 'entries'}"


def _not_one_of(value: object, expected: str) -> str:
    return f"{shown(value)} is not one of {expected}{suggestion(value, _choices(expected))}"


def _of_another_kind(detail: ErrorDetails) -> str:
    kind = "timezone_aware" if detail["type"].startswith("datetime") else detail["type"]
    value = detail["input"]
    if kind not in _KIND:
        return f"{shown(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    if kind.startswith("int") and isinstance(value, float) and value.is_integer():
        return f"{shown(value)} is too large a number"
    reason = str(detail.get("ctx", {}).get("error", ""))
    reason = f" ({reason})" if "outside expected range" in reason else ""
    return f"{shown(value)} is not {_KIND[kind]}{reason}{_rewritten(value, kind)}"


def _rewritten(value: object, kind: str) -> str:
    """The remedy where only the way of writing is wrong."""
    if value is None:
        return "; give the key a value"
    if kind == "tuple_type":
        entry = shown(value).strip("'")
        nested = isinstance(value, Mapping) and (not value or any(isinstance(one, Mapping) for one in value.values()))
        fits = not nested and len(entry) < MOST_SHOWN - 20
        return f"; write a list: [{entry}]" if fits else "; write a list, each entry after `- `"
    if kind == "dict_type":
        return "; write `key: value` for each"
    if kind == "ip_any_network" and (network := _network_around(value)):
        return f"; write {network}"
    if kind == "string_type" and isinstance(value, int | float):
        return "; write it in quotes" + (", without which 1.30 is 1.3" if isinstance(value, float) else "")
    if kind == "string_type" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"; write {shown(value[0])}"
    if kind == "bool_type" and str(value).lower() in _TRUE_OR_FALSE:
        return f"; write {_TRUE_OR_FALSE[str(value).lower()]}"
    is_number = isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)
    return "; write it without quotes" if kind.startswith(("int", "float")) and is_number else ""


def _network_around(value: object) -> str:
    """The network of an address that is given with a prefix; empty for what is no address."""
    try:
        return str(ip_network(value, strict=False)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def shown(value: object) -> str:
    """The value as a stack file has it, short enough for a line: text in single quotes, and true, false and null."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and (found := as_go_writes_it(value)):
        return found
    if isinstance(value, str) and "'" not in value and value.isprintable():
        return f"'{_shortened(value)}'"
    return _shortened(json.dumps(value, ensure_ascii=False, default=str))


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 20]}... ({len(text)} characters)"


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    (limit,) = (f"{context[key]:g}" if isinstance(context[key], float) else context[key] for key in context)
    words = {"greater_than_equal": "or more", "less_than_equal": "or less"}
    if kind in words:
        return f"{limit} {words[kind]}"
    return f"{'more' if kind == 'greater_than' else 'less'} than {limit}"


def _choices(expected: str) -> list[str]:
    return [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]


def suggestion(value: object, choices: Sequence[str]) -> str:
    """`; did you mean 'x'?` for the closest of the choices, or nothing when none is close."""
    close = closest(value, choices)
    return f"; did you mean '{close}'?" if close else ""


def closest(value: object, choices: Iterable[str]) -> str:
    """The choice that was meant by a value, in whatever capitals; "" when none is close."""
    as_written = {choice.lower(): choice for choice in choices}
    return next((as_written[one] for one in get_close_matches(str(value).lower(), as_written, n=1, cutoff=0.6)), "")


def _unknown_key(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    place, key = location[:-1], location[-1]
    for owner in forms_of(place, model):
        if isinstance(owner, type) and issubclass(owner, Spec) and key in owner.refused_keys:
            return owner.refused_keys[str(key)]
    where = _elsewhere(place, str(key), model)
    return f"unknown key here; {where}" if where else unknown_key(key, _keys_at(place, model))


def _elsewhere(place: tuple[int | str, ...], key: str, model: type[BaseModel]) -> str:
    """The one other place of a key: with another kind of the same thing, under a key beside it, or around it; "" where
    there is none or more.
    """
    *around, last = [[model], *(forms_of(place[: at + 1], model) for at in range(len(place)))]
    kinds = [kind_of(form) for form in siblings(place, model) if key in _own_keys(form)]
    if kinds and all(kinds):
        return f"it belongs to kind {' or '.join(kinds)}; remove it, or change kind"
    below = [way for form in last for way in _ways_to(key, form)]
    if len(below) == 1:
        return f"it stands under {below[0]}; move it there"
    others = [way for form in (around[-1] if around else ()) for way in _ways_to(key, form)]
    if len(others) == 1 and not below:
        return f"it belongs to {others[0]}; remove it, or choose that"
    above = [at for at, forms in enumerate(around) if any(key in _own_keys(form) for form in forms)]
    if len(above) == 1 and not below:
        beside = next(step for step in place[above[0] :] if isinstance(step, str))
        return f"it stands beside {beside}; move it there"
    return ""


def _own_keys(form: Any) -> set[str]:
    """The keys of a form that may be told from others': those that stand in many are left out."""
    return keys_of(form) - {"kind", "name", "path"}


def _ways_to(key: str, form: Any, levels: int = 2) -> Iterator[str]:
    """Ways from a form to the mappings, some levels below it, under which such a key stands."""
    for step in sorted(keys_of(form)):
        inner = forms_at([form], step)
        if any(key in _own_keys(one) for one in inner):
            yield step
        elif levels > 1:
            yield from (f"{step}.{way}" for one in inner for way in _ways_to(key, one, levels - 1))


def _keys_at(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """All keys that may stand in the mapping at a place."""
    owners = forms_of(location, model)
    return sorted({key for owner in owners for key in keys_of(owner)})


def _pattern_at(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Pattern of the texts in a place; "" where they have none."""
    *way, last = (step for step in location if isinstance(step, str))
    owners: list[Any] = [model]
    for step in way:
        owners = forms_at(owners, step)
    for owner in owners:
        if get_origin(owner) is dict:
            return next(_patterns(get_args(owner)[1]), "")
        for name, field in owner.model_fields.items():
            if last in (name, field.alias):
                return next(_patterns(Annotated[field.annotation, field]), "")
    return ""


def _patterns(annotation: Any) -> Iterator[str]:
    for part in get_args(annotation):
        if isinstance(part, FieldInfo):
            yield from (rule.pattern for rule in part.metadata if getattr(rule, "pattern", None))
        else:
            yield from _patterns(part)


def unknown_key(key: object, known: Iterable[str]) -> str:
    """Message for a key that is none of the known ones."""
    keys = sorted(set(known))
    if not keys:
        return "unknown key, as none belongs here; remove it"
    return f"unknown key{suggestion(key, keys) or '; known are ' + ', '.join(keys)}"


def readable_path(location: tuple[int | str, ...], data: Any) -> str:
    """`cluster.nodePools.train.machineType`: a list's element goes by its name where it has one, else by its number.

    A step that is no key, with others after it, is the tag of a union, which nobody has written.
    """
    parts: list[str] = []
    for index, step in enumerate(location):
        if step == "[key]" or (isinstance(data, Mapping) and step not in data and index < len(location) - 1):
            continue
        if not _holds_others(data):
            continue
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        name = data.get("name") if isinstance(step, int) and isinstance(data, Mapping) else None
        parts.append(_step(name if isinstance(name, str) else step))
    return ".".join(parts)


def _holds_others(data: Any) -> bool:
    return isinstance(data, Mapping | list)


def _step(step: int | str) -> str:
    """In quotes where one would not see where it begins and ends."""
    return str(step) if str(step) and " " not in str(step) else shown(step)
