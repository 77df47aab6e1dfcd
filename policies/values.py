"""Values as a rule meets them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final


class UnknownValue:
    """A value that only the cloud will say, and that a preview therefore does not have."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = UnknownValue()


class SecretText(str):
    """A text that the program has marked as secret: encrypted in the state, masked in what is shown."""

    __slots__ = ()


def at(value: Any, *path: str | int) -> Any:
    """Value under these keys and indices; None where there is none, UNKNOWN where the way there is unknown."""
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(step, int) and isinstance(value, Sequence) and not isinstance(value, str):
            value = value[step] if step < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def entries(value: Any, *path: str | int) -> list[Any]:
    """The known entries of a list; none where it is missing or unknown."""
    found = at(value, *path)
    return [each for each in found if each is not UNKNOWN] if isinstance(found, list) else []


def is_true(value: Any) -> bool:
    """True for a value that is true, or may turn out to be. AWS's own schema has some of its booleans as text."""
    return value is True or value is UNKNOWN or value == "true"
