"""Objects of a simulated account, their names, and their dependencies."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from engine.provider.values import strings
from rehearsal.cloud.kind import Inputs, Outputs, ResourceKind
from rehearsal.cloud.rules import Rules
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store

OF_CONTROLLERS = "controller:"
"""Start of the types of objects that a cluster's controllers make; no program has them."""


class Status(StrEnum):
    CREATING = "creating"
    ACTIVE = "active"
    FAILED = "failed"
    """It exists and is not what was asked; an update may mend it."""
    BROKEN = "broken"
    """Its create stopped halfway; only another one in its place mends it."""


@dataclass(slots=True, kw_only=True)
class Companion:
    """An object that the cloud made with another and removes with it."""

    what: str
    id: str
    blocks_deletion_of: list[str]
    """Keys of the objects that cannot go before it."""
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Object:
    """A live object. `blocks_deletion_of` are the keys of those that cannot be deleted before it."""

    token: str
    id: str
    called: str
    """Names by which the program calls the resource."""
    region: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    status: Status = Status.CREATING
    reason: str = ""
    created_min: float = 0.0
    blocks_deletion_of: list[str] = field(default_factory=list)
    side_effects: list[Companion] = field(default_factory=list)
    missing: int = 0
    """Machines that it asks for and that are not to be had."""
    resized: bool = False
    """A program has set its size by the cloud's API, of which the engine learns when it refreshes."""

    @property
    def key(self) -> str:
        return _key_of(self.token, self.id)

    @property
    def what(self) -> str:
        """`Subnet subnet-0123`, for a message."""
        return f"{self.token.rpartition(':')[2]} {self.id}"


class Account:
    """The objects, written through to the store. Safe to use from several threads."""

    def __init__(
        self, store: Store, rules: Rules, *, existing: Iterable[str] = (), standing: Iterable[StandingThing] = ()
    ) -> None:
        """`existing`: references to what was in the account before, as a user's own reservation; `standing`: those of
        them that are more than a name. None of them is the stack's: they are found, and never counted or deleted.
        """
        self.store = store
        self.rules = rules
        self._lock = threading.RLock()
        self._standing = {_key_of(one.token, one.id): _standing_object(one) for one in standing}
        self._existing = {*existing, *(one.id for one in self._standing.values())}
        self._objects: dict[str, Object] = {}
        self._names: dict[str, list[str]] = defaultdict(list)
        self._users: dict[str, set[str]] = defaultdict(set)
        for body in store.objects().values():
            self._enter(_from_body(body))

    def objects(self) -> tuple[Object, ...]:
        """All that is live, in the order in which it came."""
        with self._lock:
            return tuple(self._objects.values())

    def get(self, token: str, id: str) -> Object | None:  # noqa: A002 (the engine's own word)
        with self._lock:
            return self._objects.get(_key_of(token, id))

    def find(self, token: str, name: str) -> Object | None:
        """A live object of the type by id or another of its names."""
        with self._lock:
            if found := self._objects.get(_key_of(token, name)):
                return found
            found_keys = (key for key in self._names.get(name, ()) if self._objects[key].token == token)
            mine = next((self._objects[key] for key in found_keys), None)
            return mine or self._standing.get(_key_of(token, name))

    def stood(self, token: str, name: str) -> Object | None:
        """Something that was there before the stack."""
        return self._standing.get(_key_of(token, name))

    def listed(self, token: str) -> tuple[Outputs, ...]:
        """Outputs of all that is of the type, live or there before the stack; their `id` among them."""
        with self._lock:
            found = (*self._objects.values(), *self._standing.values())
            return tuple({**one.outputs, "id": one.id} for one in found if one.token == token)

    def references(self, kind: ResourceKind, inputs: Inputs) -> list[str]:
        """Keys of what the inputs name and must not lose. Refuses (ApiError) the first name of what is not there."""
        with self._lock:
            keys = [self._require(token, name) for token, name in _referred(kind, inputs)]
            for text in strings(inputs):
                if self.rules.is_reference(text):
                    owner = self._named(text)
                    if owner and self.rules.blocks_deletion(text):
                        keys.append(owner)
            return list(dict.fromkeys(key for key in keys if key))

    def require_ready(self, keys: Iterable[str]) -> None:
        """Refuses (CloudApiError) objects that exist and are not what was asked."""
        with self._lock:
            for key in keys:
                if self._objects[key].status is not Status.ACTIVE:
                    raise self.rules.not_ready(self._objects[key].what)

    def add(self, thing: Object) -> None:
        """Enters it. Refuses (ApiError) a second one of the same identity."""
        with self._lock:
            if thing.key in self._objects:
                raise self.rules.already_exists(thing.token, thing.id)
            self._enter(thing)
            self.save(thing)

    def change(self, thing: Object, *, inputs: Inputs, outputs: Outputs, blocks_deletion_of: list[str]) -> None:
        with self._lock:
            self._leave(thing)
            thing.inputs, thing.outputs = dict(inputs), dict(outputs)
            thing.blocks_deletion_of = blocks_deletion_of
            self._enter(thing)
            self.save(thing)

    def save(self, thing: Object) -> None:
        """Writes down what was changed on the object itself."""
        with self._lock:
            if thing.key in self._objects:
                self.store.put(thing.key, asdict(thing))

    def require_unused(self, thing: Object) -> None:
        """Refuses (ApiError) to let go what another needs."""
        with self._lock:
            users = [key for key in self._users.get(thing.key, ()) if key != thing.key]
            if users:
                by = sorted(self._why(thing.key, self._objects[key]) for key in users)
                raise self.rules.in_use(thing.token, thing.id, by)

    def remove(self, thing: Object) -> None:
        with self._lock:
            self._leave(thing)
            self.store.drop(thing.key)

    def note_gone(self, thing: Object, at_min: float) -> None:
        """Remembers when it was deleted: a name, or what stood behind it, may be taken for a while."""
        for key in (thing.key, _key_of(thing.token, "")):
            self.store.set_fact(f"gone {key}", at_min)

    def gone_at_min(self, token: str, id: str) -> float | None:  # noqa: A002 (the engine's own word)
        """Minute of the last deletion of an object of that identity, of the type where it is ""; None where there was
        none."""
        at_min = self.store.fact(f"gone {_key_of(token, id)}")
        return None if at_min is None else float(at_min)

    def keys(self, names: Iterable[str]) -> list[str]:
        """Keys of the objects that own these names. Refuses (ApiError) what is not there."""
        with self._lock:
            return [key for name in names if (key := self._named(name))]

    def _require(self, token: str, name: str) -> str:
        """The key of the object of that name; of what brought it along, as a cluster its own security group."""
        found = self.find(token, name)
        if found:
            return found.key if found.key in self._objects else ""
        if self.rules.is_reference(name):
            return self._named(name)
        raise self.rules.not_found(name, token)

    def _named(self, text: str) -> str:
        """The key of the object that it identifies, else of the first that owns it; "" for what was there before."""
        keys = self._names.get(text)
        if not keys and text not in self._existing:
            raise self.rules.not_found(text)
        found = (self._objects[key] for key in keys or ())
        itself = (one.key for one in found if text in (one.id, one.outputs.get("arn")))
        return next(itself, keys[0] if keys else "")

    def _enter(self, thing: Object) -> None:
        self._objects[thing.key] = thing
        for name in self._own_names(thing):
            self._names[name].append(thing.key)
        for key in _needs(thing):
            self._users[key].add(thing.key)

    def _leave(self, thing: Object) -> None:
        self._objects.pop(thing.key, None)
        for name in self._own_names(thing):
            if thing.key in self._names.get(name, ()):
                self._names[name].remove(thing.key)
        for key in _needs(thing):
            self._users[key].discard(thing.key)

    def _own_names(self, thing: Object) -> set[str]:
        """The object's names, and those of what it brought that nobody gave it: `clusterSecurityGroupId`."""
        given = set(strings(thing.inputs))
        brought = {text for text in strings(thing.outputs) if text not in given and self.rules.is_reference(text)}
        return {thing.id} | {one.id for one in thing.side_effects} | brought | set(self.rules.aliases(thing.outputs))

    @staticmethod
    def _why(key: str, user: Object) -> str:
        companion = next((one for one in user.side_effects if key in one.blocks_deletion_of), None)
        return f"{companion.what} {companion.id} of {user.what}" if companion else user.what


def _standing_object(one: StandingThing) -> Object:
    return Object(
        token=one.token, id=one.id, called=one.id, region=str(one.outputs.get("region", "")), inputs=dict(one.inputs),
        outputs={**one.inputs, **one.outputs}, status=Status.ACTIVE,
    )  # fmt: skip


def _key_of(token: str, id: str) -> str:  # noqa: A002 (the engine's own word)
    return f"{token}|{id}"


def _needs(thing: Object) -> Iterator[str]:
    yield from thing.blocks_deletion_of
    for companion in thing.side_effects:
        yield from companion.blocks_deletion_of


def _referred(kind: ResourceKind, inputs: Inputs) -> Iterator[tuple[str, str]]:
    for path, token in kind.refers.items():
        for value in _at(inputs, path.split(".")):
            if isinstance(value, str) and value:
                yield token, value


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _at(part, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _from_body(body: Mapping[str, Any]) -> Object:
    companions = [Companion(**one) for one in body["side_effects"]]
    return Object(**{**body, "side_effects": companions, "status": Status(body["status"])})
