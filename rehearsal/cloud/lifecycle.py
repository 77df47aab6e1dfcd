"""A resource's life in the simulated account: made, looked at, changed, removed, at AWS's pace and under its rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.provider.errors import UnfinishedError
from engine.provider.values import Unknown
from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.clock import Clock
from rehearsal.cloud.errors import ApiError, NoOracleError
from rehearsal.cloud.fault_injection import Gate
from rehearsal.cloud.kind import Inputs, Kind, Made, Outputs
from rehearsal.cloud.requests import LiveApi, PreviewApi, Requests, Services
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultScript
from rehearsal.providers.aws import controllers
from rehearsal.providers.aws.kinds import kind_of
from rehearsal.providers.aws.moto_oracle import Moto
from rehearsal.providers.aws.oracles import ServiceModels

# How long pulumi-aws goes on asking for a deletion that AWS refuses because of dependencies. Source: its default
# timeouts for subnets and security groups, 20 and 15 minutes.
DELETE_RETRIED_MIN = 15.0
ALWAYS_UPDATED = frozenset({"tags", "tagsAll", "__defaults"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed, and which of it only another object can have."""

    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    delete_first: bool = False


@dataclass(slots=True, kw_only=True)
class Provider:
    """What an explicit provider was configured with."""

    region: str = "us-east-1"
    default_tags: dict[str, str] = field(default_factory=dict)


class Cloud:
    """The simulated AWS: an account, its clock, its oracles and its faults."""

    def __init__(
        self, file: Path | None = None, *, faults: FaultScript | None = None, standing: Iterable[str] = ()
    ) -> None:
        """`file` keeps the account for another process; `standing` is what was in it before. `changed` learns of each
        object that has come, become another, or gone.
        """
        store = Store(file)
        self.clock = Clock(now_min=store.fact("now_min", 0.0))
        self.account = Account(store, standing=standing)
        self.gate = Gate(faults or FaultScript(), self.account, self.clock)
        self.requests = Requests()
        self.uncovered: set[str] = set()
        self.models = ServiceModels()
        self.moto = Moto(store)
        self.changed: Callable[[Object], None] = lambda _thing: None
        self._services = Services(
            account=self.account, models=self.models, moto=self.moto, gate=self.gate, requests=self.requests
        )

    def kind(self, token: str) -> Kind:
        """The kind of the type. Refuses (NoOracleError) and remembers one that nobody wrote."""
        kind = kind_of(token)
        if kind is None:
            self.uncovered.add(token)
            raise NoOracleError(token)
        return kind

    def foresee(self, token: str, inputs: Inputs, *, region: str) -> Outputs:
        """What a create would lead to; all that the cloud adds is unknown. Refuses what the models refuse."""
        made = self.kind(token).create(PreviewApi(self._services, region=region), inputs)
        echo = _echo(inputs, region)
        return echo | {name: _foreseen(value, echo.get(name)) for name, value in made.outputs.items()}

    def foresee_update(self, token: str, id: str, before: Outputs, old: Inputs, new: Inputs, *, region: str) -> Outputs:  # noqa: A002
        kind = self.kind(token)
        api = PreviewApi(self._services, region=region)
        added = kind.update(api, id, before, new) if kind.update else {}
        return _computed(before, old) | _echo(new, region) | dict(added)

    def create(self, token: str, name: str, inputs: Inputs, *, region: str) -> Object:
        """The object, ready. UnfinishedError where it exists and is not ready; ApiError where it does not exist."""
        with self.clock.working():
            kind = self.kind(token)
            within = self.account.references(kind, inputs)
            api = LiveApi(self._services, region=region, name=name)
            self.gate.before_create(token)
            thing = self._enter(kind, api, inputs, within)
            self.clock.wait(kind.ready_after_min(inputs))
            self._settle(thing, name)
            self.changed(thing)
        return thing

    def update(self, token: str, id: str, name: str, old: Inputs, new: Inputs, *, region: str) -> Object:  # noqa: A002
        """The object, changed, and ready if it was not before."""
        with self.clock.working():
            kind, thing = self.kind(token), self._require(token, id)
            within = self.account.references(kind, new)
            api = LiveApi(self._services, region=region, name=name)
            added = kind.update(api, id, thing.outputs, new) if kind.update and old != new else {}
            outputs = _computed(thing.outputs, thing.inputs) | _echo(new, region) | dict(added)
            self.account.change(thing, inputs=new, outputs=outputs, within=within)
            if thing.status is Status.FAILED:
                self.clock.wait(kind.ready_after_min(new))
            self._settle(thing, name)
            self.changed(thing)
        return thing

    def delete(self, token: str, id: str, name: str) -> None:  # noqa: A002 (AWS's own word)
        """Returns when it is gone. What is gone already is fine. Refuses (ApiError) what others need."""
        with self.clock.working():
            kind, thing = self.kind(token), self.account.get(token, id)
            if thing is None:
                return
            self._wait_unused(thing)
            kind.delete(LiveApi(self._services, region=thing.region, name=name), id, thing.outputs)
            self.clock.wait(kind.deleted_after_min(thing.inputs))
            self.account.remove(thing)
            self.changed(thing)

    def difference(self, token: str, id: str, old: Inputs, new: Inputs) -> Difference:  # noqa: A002
        """What an update would change, by the names of the inputs."""
        kind = self.kind(token)
        changed = tuple(
            sorted(name for name in {*old, *new} if old.get(name) != new.get(name) and name != "__defaults")
        )
        replacing = tuple(
            name for name in changed if name in kind.fixed or (kind.update is None and name not in ALWAYS_UPDATED)
        )
        if not replacing and kind.replaces(old, new):
            replacing = changed
        thing = self.account.get(token, id)
        if thing and thing.status is Status.BROKEN:
            return Difference(changed=("id", *changed), replacing=("id", *replacing), delete_first=True)
        named_by_user = bool(kind.own_name) and kind.own_name not in new.get("__defaults", ())
        same_name = old.get(kind.own_name) == new.get(kind.own_name)
        return Difference(changed=changed, replacing=replacing, delete_first=named_by_user and same_name)

    def change_from_outside(self, thing: Object, values: Mapping[str, Any]) -> None:
        """Applies an out-of-band change (drift)."""
        inputs, outputs = {**thing.inputs, **values}, {**thing.outputs, **values}
        self.account.change(thing, inputs=inputs, outputs=outputs, within=thing.within)
        self.changed(thing)

    def delete_from_outside(self, thing: Object) -> None:
        """Deletes the object out of band (drift)."""
        with self.clock.working():
            self.kind(thing.token).delete(self._api(thing), thing.id, thing.outputs)
            self.account.remove(thing)
            self.changed(thing)

    def make_load_balancer(self, cluster: Object) -> Object:
        """What a controller of the cluster makes by itself."""
        with self.clock.working():
            balancer = controllers.make_load_balancer(self._api(cluster), cluster)
            self.account.add(balancer)
        return balancer

    def look_for_load_balancers(self) -> None:
        """Those that somebody has taken away through the API leave the account."""
        for thing in self.account.objects():
            if thing.token == controllers.LOAD_BALANCER and controllers.is_gone(self._api(thing), thing):
                self.account.remove(thing)

    def close(self) -> None:
        """Writes down what time it is. The account's file stays."""
        self.clock.idle()
        self.account.store.set_fact("now_min", self.clock.now_min)
        self.moto.close()
        self.account.store.close()

    def _enter(self, kind: Kind, api: LiveApi, inputs: Inputs, within: list[str]) -> Object:
        """The new object, in the account."""
        try:
            made = kind.create(api, inputs)
        except ApiError as error:
            if not api.begun_id:
                raise
            thing = self._object(kind, api, Made(id=api.begun_id, outputs={}), inputs, within)
            thing.status, thing.reason = Status.BROKEN, str(error)
            self.account.add(thing)
            raise UnfinishedError([str(error)], thing.outputs, id=thing.id) from error
        thing = self._object(kind, api, made, inputs, within)
        self.account.add(thing)
        return thing

    def _object(self, kind: Kind, api: LiveApi, made: Made, inputs: Inputs, within: list[str]) -> Object:
        outputs = dict(made.outputs) | {k: v for k, v in _echo(inputs, api.region).items() if k not in made.outputs}
        return Object(
            token=kind.token, id=made.id, called=api.name, region=api.region, inputs=dict(inputs), outputs=outputs,
            created_min=self.clock.now_min, within=within, along=api.along_made,
        )  # fmt: skip

    def _settle(self, thing: Object, name: str) -> None:
        """Active, or failed as a fault has it."""
        thing.reason = self.gate.unready(thing, name)
        thing.status = Status.FAILED if thing.reason else Status.ACTIVE
        self.account.save(thing)
        if thing.reason:
            raise UnfinishedError([thing.reason], thing.outputs, id=thing.id)

    def _api(self, thing: Object) -> LiveApi:
        return LiveApi(self._services, region=thing.region, name=thing.called)

    def _require(self, token: str, id: str) -> Object:  # noqa: A002 (AWS's own word)
        thing = self.account.get(token, id)
        if thing is None:
            raise ApiError("ResourceNotFoundException", f"{token.rpartition(':')[2]} {id} does not exist")
        return thing

    def _wait_unused(self, thing: Object) -> None:
        """Returns once nothing needs it: pulumi-aws asks again for a while."""
        last_min = self.clock.now_min + DELETE_RETRIED_MIN
        while True:
            self.look_for_load_balancers()
            try:
                return self.account.require_unused(thing)
            except ApiError:
                if self.clock.now_min >= last_min:
                    raise
            self.clock.wait(1.0)


def _echo(inputs: Inputs, region: str) -> dict[str, Any]:
    """The inputs as outputs, with what every resource of pulumi-aws adds."""
    shown: dict[str, Any] = {name: value for name, value in inputs.items() if name != "__defaults"}
    if "tags" in shown:
        shown["tagsAll"] = shown["tags"]
    return {"region": region} | shown


def _foreseen(made: Any, given: Any) -> Any:
    """What a preview shows of an output: what the program gave, and all that the cloud adds unknown."""
    if isinstance(made, Mapping) and isinstance(given, Mapping):
        return {**given, **{name: _foreseen(part, given.get(name)) for name, part in made.items()}}
    return Unknown() if given is None else given


def _computed(outputs: Outputs, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the cloud had added to these inputs."""
    return {name: value for name, value in outputs.items() if name not in inputs and name != "tagsAll"}
