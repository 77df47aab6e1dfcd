"""Rules of a simulated cloud whose resource types are rows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from rehearsal.cloud.account import OF_CONTROLLERS, Account, Object, Status
from rehearsal.cloud.autonaming import DEFAULTED
from rehearsal.cloud.collection import ResourceRow, SchemaOracle
from rehearsal.cloud.credential_program import credential_program
from rehearsal.cloud.errors import CloudApiError, no_functions
from rehearsal.cloud.kind import Inputs, Outputs, ResourceKind
from rehearsal.cloud.quotas import MachineQuota, ObjectQuota, Quota
from rehearsal.cloud.requests import LiveApi
from rehearsal.cloud.rules import Demand, Oracle, ProviderSettings, SimulatedNodes
from rehearsal.cloud.sdk import Signature
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store
from rehearsal.faults import FaultPart, read_limits

if TYPE_CHECKING:
    from rehearsal.cloud.lifecycle import SimulatedCloud

FULL = "RESOURCE_EXHAUSTED"
TAGS = frozenset({"tags", "labels"})


@dataclass(kw_only=True)
class CollectionRules:
    """Rules from rows. Errors have the codes of google.rpc.Code, which several clouds use."""

    package: str
    sdk_version: str
    rows: Sequence[ResourceRow]
    signature: Callable[[str], Signature | None]
    default_region: str
    cluster_token: str
    login_command: str
    """Program and arguments by which a kubeconfig of this cloud comes to a token."""
    account_id: str = "account-0"
    reference: re.Pattern[str] = re.compile(r"(?!)")
    """Form of text that names an object of the account wherever it stands in the inputs."""
    object_quotas: Mapping[str, str] = field(default_factory=dict)
    """Limits of a fault script: key -> token of what is counted."""
    machine_quotas: Mapping[str, Callable[[Demand], int]] = field(default_factory=dict)
    """Limits of a fault script: key -> units that the machines of a pool use."""
    machine_usd_per_hour: Mapping[str, Decimal] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment in which no client of the cloud finds a real account."""
    replacing_settings: frozenset[str] = frozenset({"region"})
    public_names: str = ""
    token_life_min: float = 60.0
    keeps_images: bool = False
    delete_retried_min: float = 15.0
    ready_timeout_min: float = 30.0
    refusals: tuple[str, ...] = (FULL, "INTERNAL", "UNAVAILABLE")
    deletable: tuple[str, ...] = ()
    always_updated: frozenset[str] = TAGS | {DEFAULTED}

    title: str = field(init=False)
    node_tokens: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.title = f"the simulated {self.package}"
        self.node_tokens = frozenset({self.cluster_token} | {row.token for row in self.rows if row.nodes})
        self._by_token = {row.token: row for row in self.rows}
        self._kinds = {row.token: row.kind() for row in self.rows}

    def kind_of(self, token: str) -> ResourceKind | None:
        return self._kinds.get(token)

    def settings(self, settings: Inputs) -> ProviderSettings:
        return ProviderSettings(region=str(settings.get("region") or self.default_region))

    def with_defaults(self, known: Signature, inputs: Inputs, settings: ProviderSettings) -> dict[str, Any]:  # noqa: ARG002
        return dict(inputs)

    def echo(self, inputs: Inputs, region: str) -> dict[str, Any]:
        return {"region": region} | {name: value for name, value in inputs.items() if name != DEFAULTED}

    def aliases(self, outputs: Outputs) -> Iterator[str]:
        """Those of the outputs that have the form of a reference: self links."""
        return (text for text in outputs.values() if isinstance(text, str) and self.is_reference(text))

    def is_reference(self, text: str) -> bool:
        return self.reference.fullmatch(text) is not None

    def blocks_deletion(self, text: str) -> bool:
        return self.is_reference(text)

    def not_found(self, text: str, token: str = "") -> CloudApiError:
        return CloudApiError("NOT_FOUND", f"{_word(token) or 'resource'} {text!r} was not found")

    def not_ready(self, what: str) -> CloudApiError:
        return CloudApiError("FAILED_PRECONDITION", f"{what} is not ready")

    def busy(self, what: str) -> CloudApiError:
        return CloudApiError("FAILED_PRECONDITION", f"{what} has another operation")

    def in_use(self, token: str, id: str, by: Sequence[str]) -> CloudApiError:  # noqa: A002 (the engine's own word)
        return CloudApiError("FAILED_PRECONDITION", f"{_word(token)} {id!r} is in use by {', '.join(by)}")

    def already_exists(self, token: str, id: str) -> CloudApiError:  # noqa: A002 (the engine's own word)
        return CloudApiError("ALREADY_EXISTS", f"{_word(token)} {id!r} already exists")

    def throttled(self, operation: str) -> CloudApiError:
        return CloudApiError(FULL, "too many requests", operation=operation)

    def partial(self, demand: Demand, launched: int) -> str:
        return f"{FULL}: {launched} of {demand.count} machines were started"

    def no_capacity(self, demand: Demand, machine_type: str) -> str:
        return f"{FULL}: {', '.join(demand.zones) or 'the region'} does not have enough {machine_type}"

    def unusable(
        self, account: Account, now_min: float, service: str, parameters: Mapping[str, Any]  # noqa: ARG002
    ) -> CloudApiError | None:  # fmt: skip
        return None

    def demand(self, account: Account, token: str, inputs: Inputs) -> Demand | None:  # noqa: ARG002
        find = self._by_token[token].demand if token in self._by_token else None
        found = find(inputs) if find else None
        return found if found and found.count else None

    def quotas(self, limits: Mapping[str, Any]) -> tuple[Quota, ...]:
        """The limits as rows. Refuses (SpecError) one that is not among the two tables of quotas."""
        names = (*self.object_quotas, *self.machine_quotas)
        fields: Any = {name: (int | None, Field(default=None, ge=0)) for name in names}
        found = read_limits(create_model("Limits", __base__=FaultPart, **fields), limits).model_dump(exclude_none=True)
        return (
            *(
                ObjectQuota(
                    called=name,
                    token=token,
                    limit=found[name],
                    code=FULL,
                    message=f"quota {name} of {found[name]} exceeded",
                )
                for name, token in self.object_quotas.items()
                if name in found
            ),
            *(
                MachineQuota(called=name, limit=found[name], uses=uses, exceeded=partial(_exceeded, name, found[name]))
                for name, uses in self.machine_quotas.items()
                if name in found
            ),
        )

    def nodes(self, account: Account) -> Iterator[SimulatedNodes]:
        for thing in account.objects():
            row = self._by_token.get(thing.token)
            if row and row.nodes and thing.status is not Status.BROKEN:
                yield row.nodes(account, thing)

    def price(self, account: Account, thing: Object) -> Decimal | None:
        demand = self.demand(account, thing.token, thing.inputs)
        row = self._by_token.get(thing.token)
        if demand is None or not demand.machine_types:
            return row.usd_per_hour if row else None
        usd = self.machine_usd_per_hour.get(demand.machine_types[0])
        return None if usd is None else usd * demand.count

    def load_balancer(self, api: LiveApi, cluster: Object) -> Object:
        """In the cluster's network. Nothing of this cloud deletes it, so that the network cannot be deleted either."""
        name = f"controller-{cluster.id}"
        return Object(
            token=f"{OF_CONTROLLERS}LoadBalancer", id=name, called=f"a controller of {cluster.id}", region=api.region,
            inputs={}, outputs={}, status=Status.ACTIVE, blocks_deletion_of=list(cluster.blocks_deletion_of),
        )  # fmt: skip

    def is_gone(self, api: LiveApi, balancer: Object) -> bool:  # noqa: ARG002
        return False

    def standing(self, config: Mapping[str, Any]) -> Sequence[StandingThing]:  # noqa: ARG002
        return ()

    def oracle(self, store: Store, standing: Sequence[StandingThing] = ()) -> Oracle:  # noqa: ARG002
        return SchemaOracle(self._by_token, self.signature)

    def environment(
        self, folder: Path, config: Mapping[str, Any], cloud: "SimulatedCloud", *, preview: bool  # noqa: ARG002
    ) -> AbstractContextManager[Mapping[str, str]]:  # fmt: skip
        return nullcontext(self.variables)

    def invoke(self, account: Account, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return no_functions(account, token, arguments)

    def brought(self, cluster: Object) -> Iterator[Mapping[str, Any]]:  # noqa: ARG002
        return iter(())

    def controllers(self, account: Account) -> Mapping[str, tuple[float, Callable[..., bool]]]:  # noqa: ARG002
        return {}

    def endpoint(self, cluster: Object) -> str:
        return str(cluster.outputs.get("endpoint", ""))

    def container_programs(self, folder: Path) -> Mapping[str, str]:  # noqa: ARG002 (the protocol has it)
        return {}

    def stored_images(self, store: Store) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:  # noqa: ARG002
        return iter(())

    def credentials(self, folder: Path, given: Path) -> Mapping[str, str]:
        name, _, arguments = self.login_command.partition(" ")
        return credential_program(folder, name, arguments, given)


def _word(token: str) -> str:
    return token.rpartition(":")[2]


def _exceeded(name: str, limit: int, needed: int) -> str:
    return f"{FULL}: quota {name} of {limit} exceeded ({needed} needed)"
