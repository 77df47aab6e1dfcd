"""Quotas of an account, as rows that a cloud's rules name: of objects, refused at once, and of machines that run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectQuota:
    """The largest number of objects of a type. One more is refused with the error."""

    token: str
    limit: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineQuota:
    """The largest sum over the machines of all pools. What is above does not start."""

    limit: int
    uses: Callable[[Demand], int]
    """Units of the quota that the machines of a pool use."""
    exceeded: Callable[[int], str]
    """The cloud's sentence, given the units that are needed."""


Quota = ObjectQuota | MachineQuota


def require_room(account: Account, quotas: Iterable[Quota], token: str) -> None:
    """Refuses (CloudApiError) an object more than the account may have."""
    for quota in quotas:
        if not isinstance(quota, ObjectQuota) or quota.token != token:
            continue
        if sum(thing.token == token for thing in account.objects()) >= quota.limit:
            raise CloudApiError(quota.code, quota.message)


def lacking_quota(account: Account, quotas: Iterable[Quota], demand: Demand) -> str:
    """Reason why the machines do not start although there is capacity, "" where they do. The pool is in the account."""
    for quota in quotas:
        if isinstance(quota, MachineQuota) and quota.uses(demand):
            needed = sum(map(quota.uses, demands(account)))
            if needed > quota.limit:
                return quota.exceeded(needed)
    return ""


def demands(account: Account) -> Iterator[Demand]:
    """The machines of every pool in the account."""
    for thing in account.objects():
        if found := account.rules.demand(account, thing.token, thing.inputs):
            yield found
