"""From the names of pulumi-aws's inputs to the member names of AWS's APIs, which follow from them with few exceptions.

Nothing is left out on the way: what a request does not have, botocore's model refuses by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

NOT_SENT = frozenset({"__defaults", "region", "tags", "tagsAll", "timeouts"})
"""What the provider itself uses; tags go in the form that each API has for them."""

Names = Mapping[str, str]


def pascal(inputs: Mapping[str, Any], renamed: Names, *, verbatim: frozenset[str] = frozenset()) -> dict[str, Any]:
    """`modelDataUrl` as `ModelDataUrl`, at every depth. `renamed` holds the exceptions, by the input's own name.

    Maps whose keys are the user's are `verbatim`.
    """
    return _members(inputs, lambda name: renamed.get(name, name[:1].upper() + name[1:]), verbatim, NOT_SENT)


def camel(inputs: Mapping[str, Any], renamed: Names, *, verbatim: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The same for APIs whose members begin with a small letter."""
    return _members(inputs, lambda name: renamed.get(name, name[:1].lower() + name[1:]), verbatim, NOT_SENT)


def _members(
    inputs: Mapping[str, Any], called: Callable[[str], str], verbatim: frozenset[str], left_out: frozenset[str]
) -> dict[str, Any]:
    return {
        called(name): value if name in verbatim else _value(value, called, verbatim)
        for name, value in inputs.items()
        if name not in left_out
    }


def _value(value: Any, called: Callable[[str], str], verbatim: frozenset[str]) -> Any:
    match value:
        case Mapping():
            return _members(value, called, verbatim, frozenset())
        case list():
            return [_value(part, called, verbatim) for part in value]
        case _:
            return value
