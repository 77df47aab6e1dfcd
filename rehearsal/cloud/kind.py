"""Form of a simulated resource type: the requests to the cloud that a resource of the program means."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Inputs = Mapping[str, Any]
"""A resource's inputs as they stand on the wire: plain JSON, the SDK's camelCase names, secrets unwrapped."""
Outputs = Mapping[str, Any]
"""The same of what the cloud has made of it, inputs included."""
Answer = Mapping[str, Any]
"""A cloud's answer as its client returns it; times as ISO text. In a preview, a value with every member, unknown."""


class CloudApi(Protocol):
    """The simulated account's API. In a preview nothing is executed, and what is unknown yet passes for anything."""

    region: str
    account_id: str

    @property
    def authority(self) -> str:
        """Certificate, in base64, that what a cluster of this account shows comes from."""
        ...

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        """The oracle's answer to a request that its schema allows. CloudApiError in the cloud's words.

        `service` and `operation` as the oracle has them: `ec2`, `CreateSubnet`. A parameter that is None is left out.
        """
        ...

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        """`answer` itself, to a request that the oracle's schema allows and that the oracle does not implement."""
        ...

    def new_id(self, prefix: str) -> str:
        """An identifier that is not in use, `pg-0123456789abcdef0`; the same in each replay of the same requests."""
        ...

    def find(self, token: str, key: str) -> Outputs | None:
        """A live object by id or another of its names; in a preview, None."""
        ...

    def age_min(self, token: str, key: str) -> float | None:
        """Minutes since a live object was made; None where there is none. In a preview all has been there for ever."""
        ...

    def gone_min(self, token: str, id: str) -> float | None:  # noqa: A002 (the engine's own word)
        """Minutes since the last object of that identity was deleted, of the type where it is ""; None where none was,
        and in a preview."""
        ...

    def listed(self, token: str) -> tuple[Outputs, ...]:
        """All live objects of the type, and those that stood there before; in a preview, none."""
        ...

    def cascade(self, start: str) -> None:
        """Removes every object whose id begins so: things that go with the one that is deleted."""
        ...

    def created(self, id: str) -> None:  # noqa: A002 (the engine's own word)
        """Notes that the object exists from here on, whatever becomes of the rest of its create.

        For a create of several requests, after the first: where a later one fails, the object is known to the engine as
        begun and not finished, and is replaced by the next `up`. Without it, faults strike the first request only.
        """
        ...

    def side_effect(self, what: str, id: str, *, blocks_deletion_of: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        """Notes something that the cloud makes together with the object: `what` in words, as "network interface".

        It blocks the deletion of these (ids of a subnet, a security group, ...), and it goes when the object goes.
        `count` of them are one entry: cost must not grow with nodes.
        """
        ...

    def left_behind(self, token: str, id: str) -> None:  # noqa: A002 (the engine's own word)
        """Notes something that the cloud makes after a deletion, by itself: it stays until somebody deletes it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The result of a create or an update. `outputs` is what the cloud adds to the inputs."""

    id: str
    outputs: Outputs


def nothing_to_change(_api: CloudApi, _id: str, _old: Outputs, _new: Inputs) -> Outputs:
    """For kinds of which everything that can change is a tag."""
    return {}


def _replaces_nothing(_old: Inputs, _new: Inputs) -> bool:
    return False


def _no_minutes(_inputs: Inputs) -> float:
    return 0.0


def _nobodys_turn(_inputs: Inputs) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """One type of resource."""

    token: str
    """Type token of the resource, `package:module/resource:Class`."""
    create: Callable[[CloudApi, Inputs], Made]
    delete: Callable[[CloudApi, str, Outputs], None]
    """(api, id, outputs)."""
    update: Callable[[CloudApi, str, Outputs, Inputs], Outputs] | None = None
    """(api, id, old outputs, new inputs) -> what the cloud adds; None where every change replaces."""
    fixed: frozenset[str] = frozenset()
    """Inputs whose change replaces the resource (`ForceNew` in the provider's schema)."""
    replaces: Callable[[Inputs, Inputs], bool] = _replaces_nothing
    """(old inputs, new inputs) -> whether a change inside an input that is not fixed as a whole replaces."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Inputs, by dotted path, that name a live object: path -> token. Lists are gone through. What is not there is
    refused; what another refers to cannot be deleted."""
    own_name: str = ""
    """The input that the provider fills from the resource's name where the program gives none: `name`, `bucket`."""
    longest_name: int = 255
    ready_after_min: Callable[[Inputs], float] = _no_minutes
    """Simulated minutes from the request until the cloud calls it ready."""
    turn: Callable[[Inputs], str] = _nobodys_turn
    """Name of what takes one operation at a time, as a cluster does of all on its node pools; empty for none. The next
    one is refused meanwhile, and the provider asks again."""
    turn_patience_min: float = 0.0
    """Minutes for which it does."""
    whole: bool = False
    """An update sends all inputs, and what the program does not name is taken away, whoever set it; else only what has
    changed is sent."""
    needs_ready: bool = False
    """Refuses a create while an object that `refers` names is not ready."""
    deleted_after_min: Callable[[Inputs], float] = _no_minutes
