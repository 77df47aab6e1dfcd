"""Parts that several kinds have in common: bodies of Google's APIs from a provider's inputs, addresses, rights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.provider.values import Unknown, is_unknown
from rehearsal.cloud.kind import CloudApi, Inputs
from rehearsal.providers.gcp.words import LINK

OWN = frozenset({"project", "region", "location", "zone", "deletionPolicy", "timeouts", "pulumiLabels"})
"""Inputs that stand in the address of a request, or that the provider keeps to itself."""
Change = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Relation of a provider's inputs to the body that its API takes; what is not named here keeps its name."""

    moved: Mapping[str, str] = field(default_factory=dict)
    """Dotted paths of inputs, and of the members that they are."""
    changed: Mapping[str, Change] = field(default_factory=dict)
    """Dotted paths of members, after they were moved, and what becomes of their values."""
    unsent: frozenset[str] = frozenset()
    """Further inputs that are not sent."""

    def body(self, inputs: Inputs) -> dict[str, Any]:
        """The inputs as the API takes them."""
        body = {
            name: _copy(value)
            for name, value in inputs.items()
            if name not in OWN | self.unsent and not name.startswith("__")
        }
        for path, target in self.moved.items():
            found, value = _taken(body, path.split("."))
            if found and value is not None:
                _put(body, target.split("."), value)
        for path, change in self.changed.items():
            found, value = _taken(body, path.split("."))
            if found and value is not None:
                _put(body, path.split("."), value if is_unknown(value) else change(value))
        return body


def _copy(value: Any) -> Any:
    """The same value to be changed; what is not known yet stays itself."""
    match value:
        case Mapping() if not is_unknown(value):
            return {name: _copy(part) for name, part in value.items()}
        case list() | tuple():
            return [_copy(part) for part in value]
        case _:
            return value


def _taken(body: dict[str, Any], path: list[str]) -> tuple[bool, Any]:
    here: Any = body
    for name in path[:-1]:
        here = here.get(name) if isinstance(here, dict) else None
    if not isinstance(here, dict) or path[-1] not in here:
        return False, None
    return True, here.pop(path[-1])


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    here = body
    for name in path[:-1]:
        below = here.setdefault(name, {})
        if isinstance(below, Unknown):
            return
        here = below
    here[path[-1]] = value


def each(rename: Mapping[str, str]) -> Change:
    """The same list with members of its objects under other names."""
    return lambda value: [
        {rename.get(name, name): part for name, part in one.items()} if isinstance(one, Mapping) else one
        for one in value
    ]


def project_of(api: CloudApi, inputs: Inputs) -> str:
    return str(inputs.get("project") or api.account_id)


def region_of(api: CloudApi, inputs: Inputs) -> str:
    """The region of a regional resource."""
    return str(inputs.get("region") or api.region)


def link(id: str) -> str:  # noqa: A002 (the engine's own word)
    """The self link of a resource of Compute Engine."""
    return LINK + id


def number(text: str) -> str:
    """A number such as Google gives its resources, the same for the same name."""
    return str(int(hashlib.sha256(text.encode()).hexdigest()[:15], 16))
