"""Checks inputs against the types that a Pulumi SDK declares, for clouds whose schema nothing else holds here."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.sdk import Signature

WRAPPER = re.compile(r"(?:pulumi\.Input|Optional|_?typing\.Optional)\[(.*)\]")
OPTIONAL = re.compile(r"(?:pulumi\.Input\[)?(?:_?typing\.)?Optional\[|.*\| None\]?$")
LIST = re.compile(r"(?:_?typing\.)?(?:Sequence|List|list)\[(.*)\]")
MAPPING = re.compile(r"(?:_?typing\.)?(?:Mapping|Dict|dict)\[.*?, (.*)\]")
ARGUMENTS = re.compile(r"['\"](\w+Args)['\"]|(?:_\w+\.)?(\w+Args)")
CHOICE = re.compile(r"Union\[_builtins\.str, '(\w+)'\]|'(\w+)(?<!Args)'")
"""A text with values of its own, by the name of their enumeration."""
SCALARS: Mapping[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}
WORDS = {"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number"}


def problems_of(known: Signature, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Everything in the inputs that the SDK's types forbid, with its path. What a preview does not know is right."""
    yield from _members(known, inputs, known.inputs, "")


def _members(known: Signature, value: Mapping[str, Any], types: Mapping[str, str], path: str) -> Iterator[str]:
    for name, written in types.items():
        if value.get(name) is None and not _is_optional(written):
            yield f"{path}{name} is required and missing"
    for name, part in value.items():
        if name not in types:
            yield f"{path}{name} is unknown"
        elif part is not None:
            yield from _value(known, part, types[name], f"{path}{name}")


def _value(known: Signature, value: Any, written: str, path: str) -> Iterator[str]:
    inner = _inner(written)
    scalar = inner.removeprefix("_builtins.")
    if is_unknown(value):
        return
    if scalar in SCALARS:
        if not isinstance(value, SCALARS[scalar]) or (isinstance(value, bool) and scalar != "bool"):
            yield f"{path}: {value!r} is not {WORDS[scalar]}"
    elif found := CHOICE.fullmatch(inner):
        yield from _choice(value, known.enums[found[1] or found[2]], path)
    elif found := LIST.fullmatch(inner):
        if not isinstance(value, list):
            yield f"{path}: {value!r} is not a list"
            return
        for index, part in enumerate(value):
            yield from _value(known, part, found[1], f"{path}[{index}]")
    elif found := ARGUMENTS.fullmatch(inner):
        yield from _object(known, value, found[1] or found[2], path)
    elif found := MAPPING.fullmatch(inner):
        yield from _mapping(known, value, found[1], path)


def _choice(value: Any, allowed: frozenset[str], path: str) -> Iterator[str]:
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(sorted(allowed))}"


def _object(known: Signature, value: Any, name: str, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is not an object"
    elif types := known.nested[name]:
        yield from _members(known, value, types, f"{path}.")


def _mapping(known: Signature, value: Any, written: str, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is not a mapping"
        return
    for key, part in value.items():
        yield from _value(known, part, written, f"{path}.{key}")


def _is_optional(written: str) -> bool:
    return OPTIONAL.match(written) is not None


def _inner(written: str) -> str:
    """The type without what only says that it may be an Output, or be left out."""
    text = written.removesuffix(" | None").strip()
    while found := WRAPPER.fullmatch(text):
        text = found[1].removesuffix(" | None").strip()
    return text
