"""Quotas of an account, as rows that a cloud's rules name: of objects, refused at once, and of machines that run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectQuota:
    """The largest number of objects of a type. One more is refused with the error."""

    called: str
    token: str
    limit: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineQuota:
    """The largest sum over the machines of all pools. What is above does not start."""

    called: str
    limit: int
    uses: Callable[[Demand], int]
    """Units of the quota that the machines of a pool use."""
    exceeded: Callable[[int], str]
    """The cloud's sentence, given the units that are needed."""


Quota = ObjectQuota | MachineQuota


class QuotaBook:
    """Quotas of one account, and how much of each was asked for."""

    def __init__(self, account: Account, quotas: Iterable[Quota]) -> None:
        self._account, self._quotas = account, tuple(quotas)
        self._most: dict[Quota, int] = {}

    def require_room(self, token: str) -> None:
        """Refuses (CloudApiError) an object more than the account may have."""
        for quota in self._quotas:
            if not isinstance(quota, ObjectQuota) or quota.token != token:
                continue
            if self._exceeds(quota, 1 + sum(thing.token == token for thing in self._account.objects())):
                raise CloudApiError(quota.code, quota.message)

    def lacking(self, demand: Demand) -> str:
        """Reason why the machines do not start, "" where they do. The pool that asks for them is in the account."""
        for quota in self._quotas:
            if isinstance(quota, MachineQuota) and quota.uses(demand):
                needed = sum(map(quota.uses, demands(self._account)))
                if self._exceeds(quota, needed):
                    return quota.exceeded(needed)
        return ""

    def never_reached(self) -> Iterator[str]:
        """Quotas that refused nothing, with the most that was asked of each."""
        for quota in self._quotas:
            most = self._most.get(quota, 0)
            if most <= quota.limit:
                used = f"{most} used" if most else "nothing counts against it"
                yield f"quota {quota.called} of {quota.limit} ({used})"

    def _exceeds(self, quota: Quota, needed: int) -> bool:
        self._most[quota] = max(needed, self._most.get(quota, 0))
        return needed > quota.limit


def demands(account: Account) -> Iterator[Demand]:
    """The machines of every pool in the account."""
    for thing in account.objects():
        if found := account.rules.demand(account, thing.token, thing.inputs):
            yield found
