"""The annotation pulumi.com/waitFor: what must be true of an object, as `jsonpath=` or `condition=`."""

import json
from collections.abc import Mapping
from typing import Any

from components.errors import PenstockError
from rehearsal.providers.kubernetes.readiness import READY, Readiness

ANNOTATION = "pulumi.com/waitFor"


class WaitForError(PenstockError):
    """An expression that cannot be read."""

    def __init__(self, expression: str, why: str) -> None:
        super().__init__(
            f"{ANNOTATION}: {expression!r} {why}; write jsonpath={{.status.phase}}=Running or condition=Ready"
        )


def fulfilled(expressions: str, body: Mapping[str, Any]) -> Readiness:
    """True if all that the annotation asks for is so; it is one expression or a JSON list of them."""
    for expression in _each(expressions):
        if not _is_true(expression, body):
            return Readiness(False, f"waiting for {expression}")
    return READY


def _each(text: str) -> list[str]:
    if not text.lstrip().startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WaitForError(text, f"is not a JSON list ({error})") from error
    return [str(part) for part in found]


def _is_true(expression: str, body: Mapping[str, Any]) -> bool:
    form, sign, rest = expression.partition("=")
    if form == "condition" and sign and rest:
        name, _, value = rest.partition("=")
        rows = (body.get("status") or {}).get("conditions") or ()
        wanted = (value or "True").lower()
        return any(row.get("type") == name and str(row.get("status")).lower() == wanted for row in rows)
    if form == "jsonpath" and rest.startswith("{") and "}" in rest:
        path, _, value = rest[1:].rpartition("}")
        values = [match.value for match in _parsed(path, expression).find(dict(body))]
        if not value:
            return bool(values)
        return bool(values) and all(_text(one) == value.removeprefix("=").strip("'\"") for one in values)
    raise WaitForError(expression, "is neither of the two forms")


def _parsed(path: str, expression: str) -> Any:
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext.parser import parse

    try:
        return parse("$" + path if path.startswith((".", "[")) else path)
    except JSONPathError as error:
        raise WaitForError(expression, f"holds no JSONPath ({error})") from error


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
