"""Label and field selectors of a list request."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Mapping[str, str]], bool]
IN = re.compile(r"^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
SPLIT = re.compile(r",(?![^()]*\))")


def selects(body: Mapping[str, Any], labels: str, fields: str) -> bool:
    """True if the object is one of those asked for."""
    own = body["metadata"].get("labels") or {}
    return all(_test(part)(own) for part in _parts(labels)) and all(_field(body, part) for part in _parts(fields))


def _parts(selector: str) -> list[str]:
    return [part for part in SPLIT.split(selector) if part.strip()]


def _test(part: str) -> Test:
    if found := IN.match(part):
        key, word, values = found[1], found[2], {value.strip() for value in found[3].split(",")}
        return lambda own: (own.get(key) in values) is (word == "in")
    if "!=" in part:
        key, _, value = part.partition("!=")
        return lambda own: own.get(key.strip()) != value.strip()
    if "=" in part:
        key, _, value = part.replace("==", "=").partition("=")
        return lambda own: own.get(key.strip()) == value.strip()
    if part.strip().startswith("!"):
        return lambda own: part.strip()[1:] not in own
    return lambda own: part.strip() in own


def _field(body: Any, part: str) -> bool:
    path, sign, value = re.split(r"(!=|==|=)", part, maxsplit=1)
    for name in path.strip().split("."):
        body = body.get(name, "") if isinstance(body, Mapping) else ""
    return (str(body) == value.strip()) is (sign != "!=")
