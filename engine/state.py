"""A stack's state as the engine exports it. Secrets stay the ciphertext they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of the state. `id` is empty for a component."""

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    init_errors: tuple[str, ...]
    retained: bool
    """`retain_on_delete`: a destroy leaves it where it is."""
    needs: tuple[str, ...] = ()
    """URNs of what the engine makes before it, its component among them: that waits for its own before it is there."""
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds that the program gives a create, an update or a delete, by that word; the provider's own where none."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOperation:
    """An operation that an engine began and never reported the end of: nobody knows whether it took place."""

    op: str
    urn: str
    type: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    resources: tuple[Resource, ...]
    pending: tuple[PendingOperation, ...]

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Outputs that the program exported."""
        return next((resource.outputs for resource in self.resources if resource.type == STACK_TYPE), {})

    def named(self, name: str) -> Resource:
        """The one resource of this name. Refuses (KeyError) none or several."""
        found = [resource for resource in self.resources if resource.name == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources are called {name!r}")
        return found[0]


def parse_state(text: str) -> StackState:
    """The state in the JSON that `pulumi stack export` prints."""
    deployment = json.loads(text)["deployment"] or {}
    pending = deployment.get("pending_operations") or ()
    return StackState(
        resources=tuple(_resource(entry) for entry in deployment.get("resources") or ()),
        pending=tuple(_pending(entry["type"], entry["resource"]) for entry in pending),
    )


def with_creates_settled(text: str, made: Mapping[str, str]) -> str:
    """The exported state without pending operations: creates in `made`, URN to id, are resources of it.

    One that was to replace another leaves that one to be deleted, as the engine would.
    """
    state = json.loads(text)
    deployment = state["deployment"]
    resources = deployment.setdefault("resources", [])
    for operation in deployment.pop("pending_operations", None) or ():
        entry = operation["resource"]
        if operation["type"] != "creating" or entry["urn"] not in made:
            continue
        for earlier in resources:
            if earlier["urn"] == entry["urn"]:
                earlier["delete"] = True
        resources.append({**entry, "id": made[entry["urn"]], "outputs": entry.get("inputs") or {}})
    return json.dumps(state)


def _resource(entry: Mapping[str, Any]) -> Resource:
    return Resource(
        urn=entry["urn"],
        type=entry["type"],
        id=entry.get("id", ""),
        inputs=entry.get("inputs") or {},
        outputs=entry.get("outputs") or {},
        init_errors=tuple(entry.get("initErrors") or ()),
        retained=bool(entry.get("retainOnDelete")),
        needs=(*(entry.get("dependencies") or ()), *((parent,) if (parent := entry.get("parent")) else ())),
        timeouts_s={name: seconds for name, seconds in (entry.get("customTimeouts") or {}).items() if seconds},
    )


def _pending(op: str, resource: Mapping[str, Any]) -> PendingOperation:
    return PendingOperation(op=op, urn=resource["urn"], type=resource["type"], inputs=resource.get("inputs") or {})
