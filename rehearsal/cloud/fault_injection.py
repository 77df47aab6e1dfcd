"""Fault injector: fails requests, creates or readiness as the fault script says."""

import random
from fnmatch import fnmatchcase

from components.errors import SpecError
from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.quotas import QuotaBook
from rehearsal.cloud.rules import Demand, Market
from rehearsal.cloud.scripted_faults import ScriptedFaults
from rehearsal.faults import FaultScript

FIRST_PAUSE_MIN, LONGEST_PAUSE_MIN = 1 / 60, 5.0  # clouds' SDKs double their pauses


class FaultInjector(ScriptedFaults):
    """Faults of a script, as they meet what they name."""

    def __init__(self, script: FaultScript, account: Account, clock: Clock) -> None:
        super().__init__(script)
        self.requests = 0
        self._account = account
        self._quotas = _quotas(script, account)
        self._clock = clock
        self._random = random.Random(script.throttle.seed if script.throttle else 0)  # noqa: S311 (a simulation)

    def before(self, service: str, operation: str, *, name: str, may_fail: bool) -> None:
        """Returns when the request for the resource `name` may go on.

        CloudApiError where it is refused. With `may_fail` False it is not: nobody would know of what came before it.
        """
        with self._lock:
            self.requests += 1
            number = self.requests
        if any(kill.at_request == number for kill in self._script.kill):
            self._inject(f"engine killed at request {number} ({service}:{operation} for {name})")
            self.kill_engine()
        self._throttle(f"{service}:{operation}", name, may_fail=may_fail)
        for index, error in enumerate(self._script.errors):
            if may_fail and self._refuses(index, error, f"{service}:{operation}", name):
                self._inject(f"{service}:{operation} for {name} refused: {error.code}")
                raise CloudApiError(error.code, error.message, operation=f"{service}:{operation}")

    def before_create(self, token: str) -> None:
        """CloudApiError where a quota forbids it."""
        try:
            self._quotas.require_room(token)
        except CloudApiError as error:
            self._inject(str(error))
            raise

    def unused_faults(self) -> tuple[str, ...]:
        """Faults that met nothing: they name what is not this stack's, or a request that it never makes."""
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
            *self._quotas.never_reached(),
        )

    def unready(self, thing: Object, name: str) -> str:
        """Reason why the object that exists does not become what was asked, "" where it does."""
        demand = self._account.rules.demand(self._account, thing.token, thing.inputs)
        reason = "" if demand is None else self._lacking(demand, name)[0]
        if reason:
            self._inject(f"{name}: {reason}")
            self._clock.wait(self._account.rules.ready_timeout_min)
        return reason

    def not_started(self, thing: Object, running: int) -> tuple[str, int]:
        """The reason why a group that asks for more machines than run does not get them, "" where it does, and how many
        it lacks. Nobody waits for it: it stays as it is, and its cloud tries on.
        """
        demand = self._account.rules.demand(self._account, thing.token, thing.inputs)
        if demand is None or demand.count <= running:
            return "", 0
        reason, started = self._lacking(demand, thing.called)
        if reason:
            self._inject(f"{thing.called}: {reason}")
        return reason, demand.count - max(running, started) if reason else 0

    def _lacking(self, demand: Demand, name: str) -> tuple[str, int]:
        """The reason, and how many machines there are."""
        rules = self._account.rules
        for index, part in enumerate(self._script.partial):
            if (
                fnmatchcase(name, part.resource)
                and part.nodes < demand.count
                and self._spend(f"partial{index}", part.times)
            ):
                return rules.partial(demand, part.nodes), part.nodes
        for index, lack in enumerate(self._script.capacity):
            elsewhere = lack.zone and set(demand.zones) != {lack.zone}
            if set(demand.machine_types) != {lack.machine_type} or elsewhere or demand.market is Market.RESERVED:
                continue
            if self._spend(f"capacity{index}", lack.times):
                return rules.no_capacity(demand, lack.machine_type), 0
        return self._quotas.lacking(demand), 0

    def _throttle(self, operation: str, name: str, *, may_fail: bool) -> None:
        throttle = self._script.throttle
        if not throttle:
            return
        pause_min, attempts = FIRST_PAUSE_MIN, 1
        while self._happens(throttle.rate):
            if attempts >= throttle.attempts and may_fail:
                self._inject(f"{operation} for {name} throttled {attempts} times")
                raise self._account.rules.throttled(operation)
            if attempts >= throttle.attempts:
                return
            self._clock.wait(pause_min)
            pause_min, attempts = min(2 * pause_min, LONGEST_PAUSE_MIN), attempts + 1

    def _happens(self, rate: float) -> bool:
        with self._lock:
            return self._random.random() < rate


def _quotas(script: FaultScript, account: Account) -> QuotaBook:
    """Refuses (SpecError) a limit that the cloud does not have, by the script's file."""
    try:
        return QuotaBook(account, account.rules.quotas(script.quotas))
    except SpecError as error:
        raise SpecError(error.problems, source=script.file) from error
