"""The base of every spec: frozen, strict, and written in camelCase as the rest of a stack file is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

name_pattern = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"

Name = Annotated[
    str, Field(pattern=name_pattern, description="lower-case letters, digits and dashes; 40 at most; a DNS label")
]
"""A name that may become part of a DNS label (63 characters, RFC 1123) with room for a suffix."""


class Spec(BaseModel):
    """What the user asks for. Unknown keys and values of another type are refused, nothing is converted."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )
