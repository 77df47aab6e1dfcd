"""Lifecycle of resources in a simulated account, at the cloud's pace and under its rules."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.provider.errors import UnfinishedError
from engine.provider.values import Unknown
from rehearsal.cloud.account import OF_CONTROLLERS, Account, Object, Status
from rehearsal.cloud.autonaming import DEFAULTED
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import CloudApiError, NoOracleError
from rehearsal.cloud.fault_injection import FaultInjector
from rehearsal.cloud.kind import Inputs, Made, Outputs, ResourceKind
from rehearsal.cloud.requests import LiveApi, PreviewApi, Requests, Services
from rehearsal.cloud.rules import Rules
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChanges:
    """Inputs that changed, and those of them that only another object can have."""

    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    delete_first: bool = False


class SimulatedCloud:
    """An account, its clock, its oracle and its faults, under the rules of one cloud."""

    def __init__(
        self, rules: Rules, file: Path | None = None, *, faults: FaultScript | None = None,
        existing: Iterable[str] = (), standing: Iterable[StandingThing] = (),
    ) -> None:  # fmt: skip
        """`file` keeps the account for another process; `existing` and `standing` are what was in it before. `changed`
        learns of each object that was created, changed or deleted.
        """
        self.rules = rules
        store = Store(file)
        self.clock = Clock(now_min=store.fact("now_min", 0.0))
        self.standing = tuple(standing)
        self.account = Account(store, rules, existing=existing, standing=self.standing)
        self.injector = FaultInjector(faults or FaultScript(), self.account, self.clock)
        self.requests = Requests()
        self.uncovered: set[str] = set()
        self.oracle = rules.oracle(store, self.standing)
        self.changed: Callable[[Object], None] = lambda _thing: None
        self._services = Services(
            account=self.account, clock=self.clock, oracle=self.oracle, injector=self.injector, requests=self.requests
        )
        self._busy, self._turns = set[str](), threading.Lock()

    def kind(self, token: str) -> ResourceKind:
        """The kind of the type. Refuses (NoOracleError) and remembers one that nobody wrote."""
        kind = self.rules.kind_of(token)
        if kind is None:
            self.uncovered.add(token)
            raise NoOracleError(token)
        return kind

    def foresee(self, token: str, inputs: Inputs, *, region: str) -> Outputs:
        """Outputs of a create; all that the cloud adds is unknown. Refuses what the oracle refuses."""
        made = self.kind(token).create(PreviewApi(self._services, region=region), inputs)
        echo = self.rules.echo(inputs, region)
        return echo | {name: _foreseen(value, echo.get(name)) for name, value in made.outputs.items()}

    def foresee_update(self, token: str, id: str, before: Outputs, old: Inputs, new: Inputs, *, region: str) -> Outputs:  # noqa: A002
        kind = self.kind(token)
        api = PreviewApi(self._services, region=region)
        added = kind.update(api, id, before, new) if kind.update else {}
        return self._computed(before, old, region) | self.rules.echo(new, region) | dict(added)

    def create(self, token: str, name: str, inputs: Inputs, *, region: str) -> Object:
        """The object, ready. UnfinishedError where it exists and is not ready, CloudApiError where it was not made."""
        with self.clock.working():
            kind = self.kind(token)
            references = self.account.references(kind, inputs)
            if kind.needs_ready:
                self.account.require_ready(references)
            api = LiveApi(self._services, region=region, name=name)
            self.injector.before_create(token)
            with self._turn(kind, inputs):
                thing = self._enter(kind, api, inputs, references)
                self.clock.wait(kind.ready_after_min(inputs))
                self._settle(thing, name)
            self.changed(thing)
        return thing

    def update(self, token: str, id: str, name: str, old: Inputs, new: Inputs, *, region: str) -> Object:  # noqa: A002
        """The object, changed, and ready if it was not before."""
        with self.clock.working():
            kind, thing = self.kind(token), self._require(token, id)
            new = new if kind.whole else _with_what_stays(thing, old, new)
            references = self.account.references(kind, new)
            api = LiveApi(self._services, region=region, name=name)
            with self._turn(kind, new):
                added = kind.update(api, id, thing.outputs, new) if kind.update and old != new else {}
                computed = self._computed(thing.outputs, thing.inputs, region)
                outputs = computed | self.rules.echo(new, region) | dict(added)
                self.account.change(thing, inputs=new, outputs=outputs, blocks_deletion_of=references)
                if thing.status is Status.FAILED:
                    self.clock.wait(kind.ready_after_min(new))
                self._settle(thing, name)
            self.changed(thing)
        return thing

    def delete(self, token: str, id: str, name: str) -> None:  # noqa: A002 (the engine's own word)
        """Returns when it is gone. What is gone already is fine. Refuses (CloudApiError) what others need."""
        with self.clock.working():
            kind, thing = self.kind(token), self.account.get(token, id)
            if thing is None:
                return
            self._wait_unused(thing)
            api = LiveApi(self._services, region=thing.region, name=name)
            with self._turn(kind, thing.inputs):
                kind.delete(api, id, thing.outputs)
                self.clock.wait(kind.deleted_after_min(thing.inputs))
                self.account.remove(thing)
                self.account.note_gone(thing, self.clock.now_min)
            self._leave_behind(api, thing)
            self.changed(thing)

    def difference(self, token: str, id: str, old: Inputs, new: Inputs) -> InputChanges:  # noqa: A002
        """Changes that an update would make, by the names of the inputs."""
        kind = self.kind(token)
        changed = tuple(sorted(name for name in {*old, *new} if old.get(name) != new.get(name) and name != DEFAULTED))
        replacing = tuple(
            name
            for name in changed
            if name in kind.fixed or (kind.update is None and name not in self.rules.always_updated)
        )
        if not replacing and kind.replaces(old, new):
            replacing = changed
        thing = self.account.get(token, id)
        if thing and thing.status is Status.BROKEN:
            return InputChanges(changed=("id", *changed), replacing=("id", *replacing), delete_first=True)
        named_by_user = bool(kind.own_name) and kind.own_name not in new.get(DEFAULTED, ())
        same_name = old.get(kind.own_name) == new.get(kind.own_name)
        return InputChanges(changed=changed, replacing=replacing, delete_first=named_by_user and same_name)

    def change_from_outside(self, thing: Object, values: Mapping[str, Any]) -> None:
        """Applies an out-of-band change (drift)."""
        inputs, outputs = {**thing.inputs, **values}, {**thing.outputs, **values}
        self.account.change(thing, inputs=inputs, outputs=outputs, blocks_deletion_of=thing.blocks_deletion_of)
        self.changed(thing)

    def resize_from_outside(self, thing: Object, values: Mapping[str, Any]) -> None:
        """Applies a size that a program asks the cloud for. Machines that are not to be had do not come; the group says
        why in its `reason`.
        """
        asked = self.rules.demand(self.account, thing.token, thing.inputs)
        running = (asked.count if asked else 0) - thing.missing
        inputs, outputs = {**thing.inputs, **values}, {**thing.outputs, **values}
        self.account.change(thing, inputs=inputs, outputs=outputs, blocks_deletion_of=thing.blocks_deletion_of)
        thing.resized = True
        thing.reason, thing.missing = self.injector.not_started(thing, running)
        self.account.save(thing)
        self.changed(thing)

    def delete_from_outside(self, thing: Object) -> None:
        """Deletes the object out of band (drift)."""
        with self.clock.working():
            api = self._api(thing)
            self.kind(thing.token).delete(api, thing.id, thing.outputs)
            self.account.remove(thing)
            self._leave_behind(api, thing)
            self.changed(thing)

    def make_load_balancer(self, cluster: Object) -> Object:
        """Makes what a controller of the cluster makes by itself."""
        with self.clock.working():
            balancer = self.rules.load_balancer(self._api(cluster), cluster)
            self.account.add(balancer)
        return balancer

    def look_for_load_balancers(self) -> None:
        """Removes from the account those that somebody has deleted through the cloud's API."""
        for thing in self.account.objects():
            if thing.token.startswith(OF_CONTROLLERS) and self.rules.is_gone(self._api(thing), thing):
                self.account.remove(thing)

    def close(self) -> None:
        """Writes down what time it is. The account's file stays."""
        self.clock.idle()
        self.account.store.set_fact("now_min", self.clock.now_min)
        self.oracle.close()
        self.account.store.close()

    def _enter(self, kind: ResourceKind, api: LiveApi, inputs: Inputs, references: list[str]) -> Object:
        """The new object, in the account."""
        try:
            made = kind.create(api, inputs)
        except CloudApiError as error:
            if not api.created_id:
                raise
            thing = self._object(kind, api, Made(id=api.created_id, outputs={}), inputs, references)
            thing.status, thing.reason = Status.BROKEN, str(error)
            self.account.add(thing)
            raise UnfinishedError([str(error)], thing.outputs, id=thing.id) from error
        thing = self._object(kind, api, made, inputs, references)
        self.account.add(thing)
        return thing

    def _object(self, kind: ResourceKind, api: LiveApi, made: Made, inputs: Inputs, references: list[str]) -> Object:
        outputs = dict(made.outputs) | {
            k: v for k, v in self.rules.echo(inputs, api.region).items() if k not in made.outputs
        }
        return Object(
            token=kind.token, id=made.id, called=api.name, region=api.region, inputs=dict(inputs), outputs=outputs,
            created_min=self.clock.now_min, blocks_deletion_of=references, side_effects=api.side_effects,
        )  # fmt: skip

    def _settle(self, thing: Object, name: str) -> None:
        """Active, or failed as a fault has it."""
        thing.reason = self.injector.unready(thing, name)
        thing.status = Status.FAILED if thing.reason else Status.ACTIVE
        self.account.save(thing)
        if thing.reason:
            raise UnfinishedError([thing.reason], thing.outputs, id=thing.id)

    def _leave_behind(self, api: LiveApi, thing: Object) -> None:
        """Enters in the account things that the cloud made after the object had gone."""
        for token, left in api.left:
            found = Object(
                token=f"{OF_CONTROLLERS}{token}", id=left, called=f"after {thing.what} was gone", region=api.region,
                inputs={}, outputs={}, created_min=self.clock.now_min, status=Status.ACTIVE,
            )  # fmt: skip
            self.account.add(found)

    def _computed(self, outputs: Outputs, inputs: Inputs, region: str) -> dict[str, Any]:
        """Outputs that the cloud had added to these inputs."""
        echo = self.rules.echo(inputs, region)
        return {name: value for name, value in outputs.items() if name not in echo}

    def _api(self, thing: Object) -> LiveApi:
        return LiveApi(self._services, region=thing.region, name=thing.called)

    def _require(self, token: str, id: str) -> Object:  # noqa: A002 (the engine's own word)
        thing = self.account.get(token, id)
        if thing is None:
            raise self.rules.not_found(id, token)
        return thing

    @contextmanager
    def _turn(self, kind: ResourceKind, inputs: Inputs) -> Iterator[None]:
        """Lets one operation at a time pass where the cloud takes no other; CloudApiError where patience ends."""
        key = kind.turn(inputs)
        last_min = self.clock.now_min + kind.turn_patience_min
        while key and not self._takes(key):
            if self.clock.now_min >= last_min:
                raise self.rules.busy(key)
            self.clock.wait(0.5)
        try:
            yield
        finally:
            with self._turns:
                self._busy.discard(key)

    def _takes(self, key: str) -> bool:
        """True for who comes while nobody else is at work there, and is now."""
        with self._turns:
            if key in self._busy:
                return False
            self._busy.add(key)
            return True

    def _wait_unused(self, thing: Object) -> None:
        """Returns once nothing needs it: the provider asks again for a while."""
        last_min = self.clock.now_min + self.rules.delete_retried_min
        while True:
            self.look_for_load_balancers()
            try:
                return self.account.require_unused(thing)
            except CloudApiError:
                if self.clock.now_min >= last_min:
                    raise
            self.clock.wait(1.0)


def _with_what_stays(thing: Object, old: Inputs, new: Inputs) -> dict[str, Any]:
    """Inputs after the update. What the program did not change is not sent, so that it stays as the cloud has it,
    whoever set it since.
    """
    return {
        name: thing.inputs[name] if old.get(name) == value and name in thing.inputs else value
        for name, value in new.items()
    }


def _foreseen(made: Any, given: Any) -> Any:
    """Output as a preview shows it: the program's own values, and unknown all that the cloud adds or has otherwise."""
    if isinstance(made, Mapping) and isinstance(given, Mapping):
        return {**given, **{name: _foreseen(part, given.get(name)) for name, part in made.items()}}
    return Unknown() if given is None or isinstance(made, Mapping) else given
