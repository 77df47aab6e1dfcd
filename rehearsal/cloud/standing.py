"""Things that stand in a simulated account before the stack: what its file names, in the cloud's own resource types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.faults import Otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingThing:
    """One of them. `inputs` and `outputs` have the SDK's names, as if a program had made it."""

    token: str
    id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


def otherwise(things: Iterable[StandingThing], differing: Iterable[Otherwise]) -> Iterator[StandingThing]:
    """The things, those that the script has otherwise with its values."""
    for thing in things:
        changed = thing
        for one in differing:
            if _means(one, thing):
                changed = replace(changed, inputs={**changed.inputs, **one.set})
        yield changed


def unmet(things: Iterable[StandingThing], differing: Iterable[Otherwise]) -> Iterator[str]:
    """Things that the script has otherwise and no stack names, in words."""
    all_of_them = tuple(things)
    for one in differing:
        if not any(_means(one, thing) for thing in all_of_them):
            yield f"{one.resource} ({one.type}) that is there with another {', '.join(one.set)}"


def _means(one: Otherwise, thing: StandingThing) -> bool:
    return fnmatchcase(thing.id, one.resource) and fnmatchcase(thing.token, one.type)
