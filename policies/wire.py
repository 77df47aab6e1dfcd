"""A resource's values as the engine hands them to a policy, with what is unknown and what is secret still marked.

The SDK's own reading takes the mark off every secret and raises on every unknown; a rule has to know both.
"""

from collections.abc import Mapping
from typing import Any, Final

from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

from policies.values import UNKNOWN, SecretText

_UNKNOWNS: Final = frozenset(
    {
        UNKNOWN_ARCHIVE_VALUE,
        UNKNOWN_ARRAY_VALUE,
        UNKNOWN_ASSET_VALUE,
        UNKNOWN_BOOLEAN_VALUE,
        UNKNOWN_NUMBER_VALUE,
        UNKNOWN_OBJECT_VALUE,
        UNKNOWN_STRING_VALUE,
    }
)


def marked(properties: Mapping[str, Any], *_: object) -> dict[str, Any]:
    """The properties with UNKNOWN where a preview cannot know, and SecretText for each text of a secret."""
    return {name: _read(value, secret=False) for name, value in properties.items()}


def _read(value: Any, *, secret: bool) -> Any:
    if isinstance(value, str):
        return UNKNOWN if value in _UNKNOWNS else SecretText(value) if secret else value
    if isinstance(value, list):
        return [_read(each, secret=secret) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get(SPECIAL_SIG_KEY) == SPECIAL_SECRET_SIG:
        return _read(value.get("value"), secret=True)
    return {name: _read(each, secret=secret) for name, each in value.items()}
