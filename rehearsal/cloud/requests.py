"""The account's API as the kinds of resources use it: for one create, update or delete; or for a preview of one."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.provider.values import Unknown
from rehearsal.cloud.account import ACCOUNT_ID, Account, Companion
from rehearsal.cloud.errors import ApiError
from rehearsal.cloud.fault_injection import Gate
from rehearsal.cloud.kind import Answer, Outputs
from rehearsal.providers.aws.moto_oracle import READ_ONLY, Moto
from rehearsal.providers.aws.oracles import ServiceModels, checked


class Oracle(StrEnum):
    """Who judged a request."""

    MOTO = "botocore's model, executed by moto"
    MODEL = "botocore's model, kept by the account"
    PREVIEW = "botocore's model, in a preview"


@dataclass(slots=True)
class Requests:
    """How many requests were judged, by service, operation and oracle."""

    counts: Counter[tuple[str, str, Oracle]] = field(default_factory=Counter)

    def by_oracle(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for (_, _, oracle), count in self.counts.items():
            total[oracle.value] += count
        return dict(total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every request needs."""

    account: Account
    models: ServiceModels
    moto: Moto
    gate: Gate
    requests: Requests


class LiveApi:
    """Requests that are executed, for one operation on one resource. `name` is what the program calls that."""

    account_id = ACCOUNT_ID

    def __init__(self, services: Services, *, region: str, name: str) -> None:
        self.region = region
        self.begun_id = ""
        self.along_made: list[Companion] = []
        self._services = services
        self.name = name
        self._executed = 0

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        request = self._admitted(service, operation, parameters)
        try:
            answer = self._services.moto.execute(service, operation, self.region, request)
        except NotImplementedError as error:
            raise ApiError("InternalFailure", f"{error}; its kind should keep it", operation=operation) from error
        self._count(service, operation, Oracle.MOTO)
        return answer

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        self._admitted(service, operation, parameters)
        self._count(service, operation, Oracle.MODEL)
        return answer

    def new_id(self, prefix: str) -> str:
        store = self._services.account.store
        number = store.next_number("ids")
        return f"{prefix}-{hashlib.sha256(f'{ACCOUNT_ID}:{number}'.encode()).hexdigest()[:17]}"

    def find(self, token: str, key: str) -> Outputs | None:
        found = self._services.account.find(token, key)
        return found.outputs if found else None

    def began(self, id: str) -> None:  # noqa: A002 (AWS's own word)
        self.begun_id = id

    def along(self, what: str, id: str, *, within: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        keys = self._services.account.keys(within)
        self.along_made.append(Companion(what=what, id=id, within=keys, count=count))

    def _admitted(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        request = checked(self._services.models.operation(service, operation), parameters)
        may_fail = not self._executed or bool(self.begun_id)
        self._services.gate.before(service, operation, name=self.name, may_fail=may_fail)
        return request

    def _count(self, service: str, operation: str, oracle: Oracle) -> None:
        self._services.requests.counts[service, operation, oracle] += 1
        if not operation.startswith(READ_ONLY):
            self._executed += 1


class PreviewApi:
    """Requests that are only judged."""

    account_id = ACCOUNT_ID

    def __init__(self, services: Services, *, region: str) -> None:
        self.region = region
        self._services = services

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        checked(self._services.models.operation(service, operation), parameters)
        self._services.requests.counts[service, operation, Oracle.PREVIEW] += 1
        unknown: Any = Unknown()
        return unknown  # type: ignore[no-any-return]  # it stands for any answer

    def keep(self, service: str, operation: str, answer: Answer, **parameters: Any) -> Answer:
        self.call(service, operation, **parameters)
        return answer

    def new_id(self, prefix: str) -> str:  # noqa: ARG002 (the form of Api)
        return Unknown()

    def find(self, token: str, key: str) -> Outputs | None:  # noqa: ARG002 (the form of Api)
        return None

    def began(self, id: str) -> None:  # noqa: A002 (AWS's own word)
        pass

    def along(self, what: str, id: str, *, within: Iterable[str] = (), count: int = 1) -> None:  # noqa: A002
        pass
