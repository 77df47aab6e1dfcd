"""The JSON schema of a stack file as an editor shows it: a text for every key, no titles, names to choose from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]

MAPS = ("properties", "patternProperties", "$defs")
"""Keywords whose values are schemas by name."""
PARTS = ("items", "additionalProperties", "not")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Names that an editor completes, beside those that the spec lists itself."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By `Definition.key`. Another text stays allowed: only the plan of a cloud knows what is wrong there."""
    addons: Mapping[str, str] = field(default_factory=dict)
    """Add-ons with a text for each; no others are allowed."""


def for_editors(schema: Schema, choices: Choices) -> Schema:
    """The schema that pydantic makes, changed in place."""
    definitions = schema["$defs"]
    for part in _parts(schema):
        part.pop("title", None)
        if part.get("default", "") is None or isinstance(part.get("default"), list | dict):
            part.pop("default")  # an editor would write all of it into the file
        for key in part.get("properties", {}).values():
            if text := _text(key, definitions):
                key.setdefault("description", text)
            if "description" in key:
                key["description"] = " ".join(key["description"].split())
    for place, names in choices.names.items():
        definition, _, name = place.partition(".")
        _offer(definitions[definition]["properties"][name], names)
    if choices.addons:
        _list_addons(definitions["PlatformSpec"]["properties"]["addons"], choices.addons)
    return schema


def _parts(schema: Schema) -> Iterator[Schema]:
    """The schema and every schema inside it; a key that is called like a keyword is none."""
    yield schema
    for keyword in MAPS:
        for part in schema.get(keyword, {}).values():
            yield from _parts(part)
    inside = [schema[keyword] for keyword in PARTS if isinstance(schema.get(keyword), dict)]
    for part in (*inside, *(part for keyword in LISTS for part in schema.get(keyword, ()))):
        yield from _parts(part)


def _text(key: Schema, definitions: Mapping[str, Schema]) -> str:
    """The text of the one definition that stands under a key."""
    found = [part["$ref"] for part in (key, *key.get("anyOf", ())) if "$ref" in part]
    return str(definitions[found[0].rpartition("/")[2]].get("description", "")) if len(found) == 1 else ""


def _offer(key: Schema, names: tuple[str, ...]) -> None:
    """The names as a choice before the text that the key takes anyway."""
    text = {word: key.pop(word) for word in ("type", "minLength", "pattern") if word in key}
    key["anyOf"] = [{"enum": list(names)}, *([text] if text else []), *key.get("anyOf", ())]


def _list_addons(key: Schema, addons: Mapping[str, str]) -> None:
    value = key.pop("additionalProperties")
    key["properties"] = {name: {"description": text, **value} for name, text in addons.items()}
    key["additionalProperties"] = False
