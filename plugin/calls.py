"""Requests of the engine about one resource, and the errors of an answer."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.provider.values import Unknown, is_unknown
from plugin.console import Voice

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of the engine about one resource."""

    urn: str
    voice: Voice
    """Speaks to the user in the engine's output, at this resource."""
    cancelled: threading.Event
    """Set when the engine wants everything under way to end."""

    @property
    def stack(self) -> str:
        """The stack of the URN urn:pulumi:STACK::PROJECT::TYPE::NAME."""
        return self.urn.split("::")[0].rpartition(":")[2]

    @property
    def owner(self) -> str:
        """Project, stack and name: who a folder belongs to."""
        parts = self.urn.split("::")
        return f"{parts[1]}/{self.stack}/{parts[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputProblem:
    """An input that cannot be right."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange:
    """A finding of a diff: the property, and if only another resource can have it."""

    name: str
    replaces: bool = False
    warning: str = ""
    """Line that a preview and an `up` show before the change is made; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshResult:
    """Findings of a refresh: the resource's state, and its problems."""

    outputs: Properties
    reasons: Sequence[str] = ()


class ResourceType(Protocol):
    """One kind of resource, implemented by a module or an object. A PenstockError means that nothing has changed."""

    def check(self, inputs: Properties) -> Sequence[InputProblem]:
        """Problems of the inputs; in a preview some are Unknown."""
        ...

    def diff(self, old: Properties, new: Properties, outputs: Properties) -> Sequence[InputChange]:
        """Changes that would be needed, on disk and in the processes too. Changes nothing."""
        ...

    def foresee(self, inputs: Properties, outputs: Properties | None) -> Properties:
        """The outputs that a create, or an update of what had these outputs, would have; for a preview."""
        ...

    def create(self, call: Call, inputs: Properties) -> Properties:
        """Makes the resource, and returns its outputs."""
        ...

    def update(self, call: Call, old: Properties, new: Properties) -> Properties:
        """Changes the existing resource into the one that is asked for now."""
        ...

    def read(self, inputs: Properties) -> RefreshResult | None:
        """Reads its state; None when it is gone."""
        ...

    def delete(self, call: Call, outputs: Properties) -> None:
        """Deletes the resource; `outputs` hold the inputs too. Must be idempotent."""
        ...


def required(inputs: Properties, types: Mapping[str, type | tuple[type, ...]]) -> list[InputProblem]:
    """One problem for each input that is missing or of another type."""
    problems = []
    for name, expected in types.items():
        value = inputs.get(name)
        if value is None:
            problems.append(InputProblem(name=name, message=f"{name} is missing"))
        elif not isinstance(value, Unknown) and not isinstance(value, expected):
            problems.append(InputProblem(name=name, message=f"{name}: {value!r} is not {_name(expected)}"))
    return problems


def absolute(inputs: Properties, *names: str) -> list[InputProblem]:
    """One problem for each of these paths that does not begin with a slash."""
    return [
        InputProblem(name=name, message=f"{name}: {value!r} is relative; give an absolute path")
        for name in names
        if isinstance(value := inputs.get(name), str) and not is_unknown(value) and not value.startswith("/")
    ]


def changed(old: Properties, new: Properties, names: Sequence[str]) -> list[str]:
    """Names of those of these inputs that differ."""
    return [name for name in names if _comparable(name, old.get(name)) != _comparable(name, new.get(name))]


# Where Python lies is no property of a run or a server: an environment made again elsewhere must not restart one.
PYTHON_PLACES = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})


def _comparable(name: str, value: Any) -> Any:
    if name == "env" and isinstance(value, Mapping):
        return {key: part for key, part in value.items() if key not in PYTHON_PLACES}
    return value


def _name(expected: type | tuple[type, ...]) -> str:
    names = {str: "a text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
    kinds = expected if isinstance(expected, tuple) else (expected,)
    return names[kinds[-1]]
