"""The base of every spec: frozen, strict, and written in camelCase as the rest of a stack file is."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, IPvAnyNetwork
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

_FORMS: dict[str, str] = {}


def form(pattern: str, words: str) -> str:
    """The pattern itself; `words` say in messages what is right where a text does not match it."""
    _FORMS[pattern] = words
    return pattern


def form_in_words(pattern: str) -> str:
    return _FORMS.get(pattern, f"of the form {pattern}")


name_pattern = form(
    r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$",
    "a name: lower-case letters, digits and dashes, a letter first, 40 characters at most",
)

Name = Annotated[str, Field(pattern=name_pattern)]
"""A name that may become part of a DNS label (63 characters, RFC 1123) with room for a suffix."""


FolderPath = Annotated[str, Field(pattern=form(r"^[/~][^\x00]*$", "an absolute path, or one that begins with ~"))]
"""A path on the machine or the file system where it is read."""


def _no_number(value: Any) -> Any:
    """Refuses a number, true and false, which would else pass for addresses of so many bits."""
    if isinstance(value, bool | int | float):
        raise PydanticCustomError("ip_any_network", "not a network")
    return value


NetworkRange = Annotated[IPvAnyNetwork, BeforeValidator(_no_number)]
"""A network or an address as a text."""


_AS_GO_WRITES_IT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d\d)(\d\d) \S+")


def as_go_writes_it(text: str) -> str:
    """The same in ISO 8601 for `2027-01-31 12:00:00 +0000 UTC`, which the engine makes of a point in time without
    quotes; "" for any other text."""
    found = _AS_GO_WRITES_IT.fullmatch(text)
    return "{}T{}{}:{}".format(*found.groups()).replace("+00:00", "Z") if found else ""


def _point_in_time(value: Any) -> Any:
    """Refuses a number, which would else pass for seconds since 1970."""
    if isinstance(value, bool | int | float):
        raise ValueError(f"{json.dumps(value)} is not a point in time with its zone, such as 2027-01-31T12:00:00Z")
    return (as_go_writes_it(value) or value) if isinstance(value, str) else value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} is outside the years 1 to 9999 in UTC") from None


Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_point_in_time, json_schema_input_type=datetime),
    AfterValidator(_in_utc),
]
"""A point in time, given with its zone and kept in UTC. Not strict, as YAML has a type of its own for it."""


class Spec(BaseModel):
    """A part of the stack file. Unknown keys and values of another type are refused, nothing is converted."""

    refused_keys: ClassVar[Mapping[str, str]] = {}
    """Keys that people look for here and that there are not, each with the reason and what to write."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        defer_build=True,
    )
