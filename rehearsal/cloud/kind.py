"""The form of a simulated resource: the requests to AWS that each of pulumi-aws's resources really means."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Inputs = Mapping[str, Any]
"""A resource's inputs as they stand on the wire: plain JSON, pulumi-aws's camelCase names, secrets unwrapped."""
Outputs = Mapping[str, Any]
"""The same of what the cloud has made of it, inputs included."""
Answer = Mapping[str, Any]
"""What an AWS API answers, in boto3's form; times as ISO text. In a preview, a value that has every member, unknown."""


class Api(Protocol):
    """The simulated account's API. In a preview nothing is executed, and what is unknown yet passes for anything."""

    region: str
    account_id: str

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        """The answer of moto, to a request that botocore's model finds right. ApiError as AWS would word it.

        `service` and `operation` as botocore has them: `ec2`, `CreateSubnet`. A parameter that is None is left out.
        """
        ...

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        """`answer` itself, to a request that botocore's model finds right and that moto does not implement."""
        ...

    def new_id(self, prefix: str) -> str:
        """An identifier in AWS's form, `pg-0123456789abcdef0`; the same in each replay of the same requests."""
        ...

    def find(self, token: str, key: str) -> Outputs | None:
        """A live object by id, name or ARN; in a preview, None."""
        ...

    def began(self, id: str) -> None:  # noqa: A002 (AWS's own word)
        """From here on the object exists, whatever becomes of the rest of its create.

        For a create of several requests, after the first: where a later one fails, the object is known to the engine as
        begun and not finished, and is replaced by the next `up`. Without it, faults strike the first request only.
        """
        ...

    def along(self, what: str, id: str, *, within: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        """AWS made something else together with the object: `what` in words, as "network interface".

        It lies `within` these (ids of a subnet, a security group, ...), which cannot be deleted before it, and it goes
        when the object goes. `count` of them are one entry: cost must not grow with nodes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a create or an update has led to. `outputs` is what the cloud adds to the inputs."""

    id: str
    outputs: Outputs


def nothing_to_change(_api: Api, _id: str, _old: Outputs, _new: Inputs) -> Outputs:
    """For kinds of which everything that can change is a tag."""
    return {}


def replaces_nothing(_old: Inputs, _new: Inputs) -> bool:
    return False


def no_minutes(_inputs: Inputs) -> float:
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of resource."""

    token: str
    """`aws:ec2/subnet:Subnet`."""
    create: Callable[[Api, Inputs], Made]
    delete: Callable[[Api, str, Outputs], None]
    """(api, id, outputs)."""
    update: Callable[[Api, str, Outputs, Inputs], Outputs] | None = None
    """(api, id, old outputs, new inputs) -> what the cloud adds; None where every change replaces."""
    fixed: frozenset[str] = frozenset()
    """Inputs whose change replaces the resource (`ForceNew` in the provider's schema)."""
    replaces: Callable[[Inputs, Inputs], bool] = replaces_nothing
    """(old inputs, new inputs) -> whether a change inside an input that is not fixed as a whole replaces."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Inputs, by dotted path, that name a live object: path -> token. Lists are gone through. What is not there is
    refused; what another refers to cannot be deleted."""
    own_name: str = ""
    """The input that pulumi-aws fills from the resource's name where the program gives none: `name`, `bucket`."""
    longest_name: int = 255
    ready_after_min: Callable[[Inputs], float] = no_minutes
    """Simulated minutes from the request until the cloud calls it ready."""
    deleted_after_min: Callable[[Inputs], float] = no_minutes
