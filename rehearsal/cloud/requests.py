"""API of the account as resource kinds use it: for one create, update or delete; or for a preview of one."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.provider.values import Unknown
from rehearsal.cloud.account import Account, Companion
from rehearsal.cloud.authority import Authority
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.fault_injection import FaultInjector
from rehearsal.cloud.kind import Answer, Outputs
from rehearsal.cloud.rules import Oracle, Treatment


@dataclass(slots=True)
class Requests:
    """Number of judged requests by service, operation and treatment."""

    counts: Counter[tuple[str, str, Treatment]] = field(default_factory=Counter)

    def by_judge(self, names: Mapping[Treatment, str]) -> dict[str, int]:
        """The same by the judges' names."""
        total: Counter[str] = Counter()
        for (_, _, treatment), count in self.counts.items():
            total[names[treatment]] += count
        return dict(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Parts of a simulated cloud that every request needs."""

    account: Account
    clock: Clock
    oracle: Oracle
    injector: FaultInjector
    requests: Requests


class LiveApi:
    """Requests that are executed, for one operation on one resource. `name` is what the program calls that."""

    def __init__(self, services: Services, *, region: str, name: str) -> None:
        self.account_id = services.account.rules.account_id
        self.region = region
        self.created_id = ""
        self.side_effects: list[Companion] = []
        self.left: list[tuple[str, str]] = []
        self._services = services
        self.name = name
        self._executed = 0

    @property
    def authority(self) -> str:
        return Authority(self._services.account.store).bundle

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        request = self._admitted(service, operation, parameters)
        try:
            answer = self._services.oracle.execute(service, operation, self.region, request)
        except NotImplementedError as error:
            raise CloudApiError("InternalFailure", f"{error}; its kind should keep it", operation=operation) from error
        self._count(service, operation, Treatment.EXECUTED)
        return answer

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        self._admitted(service, operation, parameters)
        self._count(service, operation, Treatment.KEPT)
        return answer

    def new_id(self, prefix: str) -> str:
        store = self._services.account.store
        number = store.next_number("ids")
        return f"{prefix}-{hashlib.sha256(f'{self.account_id}:{number}'.encode()).hexdigest()[:17]}"

    def find(self, token: str, key: str) -> Outputs | None:
        found = self._services.account.find(token, key)
        return found.outputs if found else None

    def age_min(self, token: str, key: str) -> float | None:
        found = self._services.account.find(token, key)
        return self._services.clock.now_min - found.created_min if found else None

    def gone_min(self, token: str, id: str) -> float | None:  # noqa: A002 (the engine's own word)
        at_min = self._services.account.gone_at_min(token, id)
        return None if at_min is None else self._services.clock.now_min - at_min

    def listed(self, token: str) -> tuple[Outputs, ...]:
        return self._services.account.listed(token)

    def cascade(self, start: str) -> None:
        for thing in self._services.account.objects():
            if thing.id.startswith(start):
                self._services.account.remove(thing)
                self._services.account.note_gone(thing, self._services.clock.now_min)

    def created(self, id: str) -> None:  # noqa: A002 (the engine's own word)
        self.created_id = id

    def side_effect(self, what: str, id: str, *, blocks_deletion_of: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        keys = self._services.account.keys(blocks_deletion_of)
        self.side_effects.append(Companion(what=what, id=id, blocks_deletion_of=keys, count=count))

    def left_behind(self, token: str, id: str) -> None:  # noqa: A002 (the engine's own word)
        self.left.append((token, id))

    def _admitted(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = self._services.oracle.check(service, operation, parameters)
        may_fail = not self._executed or bool(self.created_id)
        services = self._services
        if refusal := services.account.rules.unusable(services.account, services.clock.now_min, service, request):
            raise refusal
        self._services.injector.before(service, operation, name=self.name, may_fail=may_fail)
        return request

    def _count(self, service: str, operation: str, treatment: Treatment) -> None:
        self._services.requests.counts[service, operation, treatment] += 1
        if not self._services.oracle.is_read_only(operation):
            self._executed += 1


class PreviewApi:
    """Requests that are only judged."""

    def __init__(self, services: Services, *, region: str) -> None:
        self.account_id = services.account.rules.account_id
        self.region = region
        self._services = services

    @property
    def authority(self) -> str:
        return Unknown()

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        self._services.oracle.check(service, operation, parameters)
        self._services.requests.counts[service, operation, Treatment.PREVIEWED] += 1
        unknown: Any = Unknown()
        return unknown  # type: ignore[no-any-return]  # it stands for any answer

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        self.call(service, operation, **parameters)
        return answer

    def new_id(self, prefix: str) -> str:  # noqa: ARG002 (the form of CloudApi)
        return Unknown()

    def find(self, token: str, key: str) -> Outputs | None:  # noqa: ARG002 (the form of CloudApi)
        return None

    def age_min(self, token: str, key: str) -> float | None:  # noqa: ARG002 (the form of CloudApi)
        return math.inf

    def gone_min(self, token: str, id: str) -> float | None:  # noqa: A002, ARG002 (the form of CloudApi)
        return None

    def listed(self, token: str) -> tuple[Outputs, ...]:  # noqa: ARG002 (the form of CloudApi)
        return ()

    def cascade(self, start: str) -> None:
        pass

    def created(self, id: str) -> None:  # noqa: A002 (the engine's own word)
        pass

    def side_effect(self, what: str, id: str, *, blocks_deletion_of: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        pass

    def left_behind(self, token: str, id: str) -> None:  # noqa: A002 (the engine's own word)
        pass
