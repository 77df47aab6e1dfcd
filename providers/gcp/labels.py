"""Labels of resources: Google takes small letters, digits, dashes and underscores, 63 at most of each, 64 labels.

Source: Resource Manager, "Requirements for labels" (2026-11).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from components.errors import Problem

MOST = 64
_OWN = "penstock-"
PASSING = frozenset({f"{_OWN}expires", f"{_OWN}budget-cents-h"})
"""Keys whose values change while a stack is there."""
_KEY, _VALUE = re.compile(r"[a-z][-_a-z0-9]{0,62}"), re.compile(r"[-_a-z0-9]{0,63}")


def labels(
    stack: str, expires: datetime | None, budget_usd_per_hour: float | None, own: Mapping[str, str]
) -> Mapping[str, str]:
    """Labels of everything of a stack: whose it is, until when (UTC), and what it may cost (cents an hour)."""
    found = {**own, f"{_OWN}stack": stack}
    if expires:
        found[f"{_OWN}expires"] = f"{expires:%Y%m%dt%H%Mz}"
    if budget_usd_per_hour:
        found[f"{_OWN}budget-cents-h"] = f"{round(budget_usd_per_hour * 100)}"
    return found


def label_problems(own: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of the labels that the user gives."""
    for key, value in own.items():
        path = f"gcp.labels.{key}"
        if key.startswith(_OWN):
            yield Problem(path=path, message=f"{key!r}: what begins with {_OWN} is penstock's own; choose another key")
        elif not _KEY.fullmatch(key):
            message = "is no key of Google's: small letters, digits, dashes, underscores, a letter first, 63 at most"
            yield Problem(path=path, message=f"{key!r} {message}{_written(key, _KEY)}")
        if not _VALUE.fullmatch(value):
            message = "is no value of Google's: small letters, digits, dashes, underscores, 63 at most"
            yield Problem(path=path, message=f"{value!r} {message}{_written(value, _VALUE)}")
    if len(own) > MOST - 3:
        yield Problem(
            path="gcp.labels", message=f"{len(own)} of them; {MOST - 3} have room beside penstock's; remove some"
        )


def _written(text: str, form: re.Pattern[str]) -> str:
    """The remedy where other letters do: `; write 'me-example-com'`."""
    plain = re.sub(r"[^-_a-z0-9]+", "-", text.lower()).strip("-")
    return f"; write {plain!r}" if plain and form.fullmatch(plain) else ""
