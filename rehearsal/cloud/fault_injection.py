"""Fault injector: fails requests, creates or readiness as the fault script says."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase

from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import ApiError
from rehearsal.faults import FaultScript, RequestError, Times
from rehearsal.providers.aws.capacity import Asked, asked
from rehearsal.providers.aws.quotas import require_room, too_many_vcpus

FIRST_PAUSE_MIN, LONGEST_PAUSE_MIN = 1 / 60, 5.0  # the AWS SDK doubles its pauses
READY_TIMEOUT_MIN = 35.0  # a node group that lacks nodes is given up then. Source: EKS user guide


class Gate:
    """What a script lets go wrong. `struck` says in words what it did so far."""

    def __init__(self, script: FaultScript, account: Account, clock: Clock) -> None:
        self.kill_engine: Callable[[], None] = lambda: None
        self.struck: list[str] = []
        self.requests = 0
        self._script = script
        self._account = account
        self._clock = clock
        self._lock = threading.Lock()
        self._matched: Counter[int] = Counter()
        self._done: Counter[str] = Counter()
        self._random = random.Random(script.throttle.seed if script.throttle else 0)  # noqa: S311 (a simulation)

    def before(self, service: str, operation: str, *, name: str, may_fail: bool) -> None:
        """Returns when the request for the resource `name` may go on.

        ApiError where it is refused. With `may_fail` False it is not: nobody would know of what came before it.
        """
        with self._lock:
            self.requests += 1
            number = self.requests
        if any(kill.at_request == number for kill in self._script.kill):
            self._strike(f"engine killed at request {number} ({service}:{operation} for {name})")
            self.kill_engine()
        self._throttle(f"{service}:{operation}", name, may_fail=may_fail)
        for index, error in enumerate(self._script.errors):
            if may_fail and self._refuses(index, error, f"{service}:{operation}", name):
                self._strike(f"{service}:{operation} for {name} refused: {error.code}")
                raise ApiError(error.code, error.message, operation=f"{service}:{operation}")

    def before_create(self, token: str) -> None:
        """ApiError where a quota forbids it."""
        try:
            require_room(self._account, self._script.quotas, token)
        except ApiError as error:
            self._strike(str(error))
            raise

    def quiet(self) -> tuple[str, ...]:
        """What the script has and nothing met: a name that is not this stack's, or a request that it never makes."""
        script, done = self._script, self._done
        return (
            *(
                f"no capacity of {one.machine_type}"
                for i, one in enumerate(script.capacity)
                if not done[f"capacity{i}"]
            ),
            *(f"part of the pool {one.resource}" for i, one in enumerate(script.partial) if not done[f"partial{i}"]),
            *(
                f"{one.operation} for {one.resource} refused"
                for i, one in enumerate(script.errors)
                if not done[f"error{i}"] and not one.operation.startswith("kubernetes:")
            ),
            *(
                f"engine killed at request {one.at_request}"
                for one in script.kill
                if (one.at_request or 0) > self.requests
            ),
        )

    def unready(self, thing: Object, name: str) -> str:
        """Why the object that exists does not become what was asked, "" where it does."""
        ask = asked(self._account, thing.token, thing.inputs)
        reason = "" if ask is None else self._lacking(ask, name)
        if reason:
            self._strike(f"{name}: {reason}")
            self._clock.wait(READY_TIMEOUT_MIN)
        return reason

    def _lacking(self, ask: Asked, name: str) -> str:
        for index, part in enumerate(self._script.partial):
            if (
                fnmatchcase(name, part.resource)
                and part.nodes < ask.count
                and self._spend(f"partial{index}", part.times)
            ):
                return f"AsgInstanceLaunchFailures: {part.nodes} of {ask.count} instances were launched"
        for index, lack in enumerate(self._script.capacity):
            elsewhere = lack.zone and set(ask.zones) != {lack.zone}
            if set(ask.machine_types) != {lack.machine_type} or elsewhere or ask.market == "capacity-block":
                continue
            if self._spend(f"capacity{index}", lack.times):
                return (
                    f"AsgInstanceLaunchFailures: Could not launch instances. InsufficientInstanceCapacity - We "
                    f"currently do not have sufficient {lack.machine_type} capacity in the Availability Zone you "
                    f"requested ({', '.join(ask.zones)})."
                )
        return too_many_vcpus(self._account, self._script.quotas, ask)

    def _throttle(self, operation: str, name: str, *, may_fail: bool) -> None:
        throttle = self._script.throttle
        if not throttle:
            return
        pause_min, attempts = FIRST_PAUSE_MIN, 1
        while self._happens(throttle.rate):
            if attempts >= throttle.attempts and may_fail:
                self._strike(f"{operation} for {name} throttled {attempts} times")
                raise ApiError("RequestLimitExceeded", "Request limit exceeded.", operation=operation)
            if attempts >= throttle.attempts:
                return
            self._clock.wait(pause_min)
            pause_min, attempts = min(2 * pause_min, LONGEST_PAUSE_MIN), attempts + 1

    def _happens(self, rate: float) -> bool:
        with self._lock:
            return self._random.random() < rate

    def _refuses(self, index: int, error: RequestError, operation: str, name: str) -> bool:
        if not (fnmatchcase(operation, error.operation) and fnmatchcase(name, error.resource)):
            return False
        with self._lock:
            self._matched[index] += 1
            reached = self._matched[index] >= error.nth
        return reached and self._spend(f"error{index}", error.times)

    def _spend(self, fault: str, times: Times) -> bool:
        """Whether the fault still strikes; then once less."""
        with self._lock:
            if times != "always" and self._done[fault] >= times:
                return False
            self._done[fault] += 1
            return True

    def _strike(self, what: str) -> None:
        with self._lock:
            self.struck.append(what)
