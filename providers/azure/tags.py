"""Tags of resources: 50 at most of each, and keys without some signs ("Use tags to organize resources", 2026-11)."""

from collections.abc import Iterator, Mapping

from components.errors import Problem
from components.labels import TAG_PREFIX

MOST = 50
LONGEST_KEY, LONGEST_VALUE = 128, 256
"""A storage account's key; others take 512."""
_RESERVED = ("microsoft", "azure", "windows")
_FORBIDDEN = "<>%&\\?/"


def tag_problems(own: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of the tags that the user gives."""
    for key, value in own.items():
        if wrong := _wrong(key, value):
            yield Problem(path=f"azure.tags.{key}", message=wrong)
    if len(own) > MOST - 3:
        yield Problem(
            path="azure.tags", message=f"{len(own)} of them; {MOST - 3} have room beside penstock's; remove some"
        )


def _wrong(key: str, value: str) -> str:
    if key.startswith(TAG_PREFIX):
        return f"{key!r}: what begins with {TAG_PREFIX} is penstock's own; choose another key"
    if key.lower().startswith(_RESERVED):
        return f"{key!r}: Azure keeps keys that begin with {', '.join(_RESERVED)} for itself; choose another key"
    if not key or len(key) > LONGEST_KEY or any(letter in key for letter in _FORBIDDEN):
        return f"{key!r} is no key of Azure's: {LONGEST_KEY} characters at most, and none of {_FORBIDDEN}; change it"
    if len(value) > LONGEST_VALUE:
        return f"its value has {len(value)} characters, and Azure takes {LONGEST_VALUE}; shorten it"
    return ""
