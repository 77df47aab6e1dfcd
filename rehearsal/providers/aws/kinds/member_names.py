"""From the names of pulumi-aws's inputs to the member names of AWS's APIs, which follow from them with few exceptions.

Nothing is left out on the way: what a request does not have, botocore's model refuses by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

NOT_SENT = frozenset({"__defaults", "region", "tags", "tagsAll", "timeouts"})
"""Fields that the provider itself uses; tags go in the form that each API has for them."""

Names = Mapping[str, str]


def pascal(inputs: Mapping[str, Any], renamed: Names, *, verbatim: frozenset[str] = frozenset()) -> dict[str, Any]:
    """`modelDataUrl` as `ModelDataUrl`, at every depth. `renamed` holds the exceptions, by dotted path; lists do not
    count. Maps whose keys are the user's are `verbatim`, by dotted path too.
    """
    sent = {name: value for name, value in inputs.items() if name not in NOT_SENT}
    return _Renaming(lambda name: name[:1].upper() + name[1:], renamed, verbatim).members(sent, "")


def camel(inputs: Mapping[str, Any], renamed: Names, *, verbatim: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The same for APIs whose members begin with a small letter."""
    sent = {name: value for name, value in inputs.items() if name not in NOT_SENT}
    return _Renaming(lambda name: name[:1].lower() + name[1:], renamed, verbatim).members(sent, "")


class _Renaming:
    def __init__(self, rule: Callable[[str], str], renamed: Names, verbatim: frozenset[str]) -> None:
        self._rule, self._renamed, self._verbatim = rule, renamed, verbatim

    def members(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        paths = {name: f"{path}.{name}".lstrip(".") for name in value}
        return {
            self._renamed.get(paths[name], self._rule(name)): self._below(part, paths[name])
            for name, part in value.items()
        }

    def _below(self, value: Any, path: str) -> Any:
        match value:
            case _ if path in self._verbatim:
                return value
            case Mapping():
                return self.members(value, path)
            case list():
                return [self._below(part, path) for part in value]
            case _:
                return value
