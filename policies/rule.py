"""The form of a rule."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["advisory", "mandatory"]

Check = Callable[[str, Mapping[str, Any]], Iterator[str]]
"""(type, inputs) -> one sentence for each violation. Unknown values and secrets as policies.values has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule for one resource. It is asked before the resource is made."""

    name: str
    reason: str
    remedy: str
    level: Level
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StackResource:
    """One of a stack's resources, and those that it was given values of."""

    kind: str
    name: str
    urn: str
    outputs: Mapping[str, Any]
    """Its inputs too, under the same names; unknown values and secrets as policies.values has them."""
    sources: Mapping[str, list["StackResource"]] = field(default_factory=dict)
    """By property: whose outputs stand in it. An id that is unknown yet has its source all the same."""

    def of(self, name: str, kind: str) -> list["StackResource"]:
        """The sources of a property that are of this type."""
        return [source for source in self.sources.get(name, ()) if source.kind == kind]


StackCheck = Callable[[Sequence[StackResource]], Iterable[tuple[StackResource, str]]]
"""(all resources) -> for each violation the resource that is to be changed, and one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule:
    """A rule for resources together. A preview asks it last; `up` without a preview asks it when all is made."""

    name: str
    reason: str
    remedy: str
    level: Level
    check: StackCheck
