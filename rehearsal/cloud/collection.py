"""Resource types as rows, for a cloud whose API nobody emulates: checked by the SDK's types, kept in the account.

The account enforces references, readiness, duplicates and deletions of what is in use; quotas, capacity and faults are
those of every simulated cloud.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.cloud.rules import Demand, SimulatedNodes, Treatment
from rehearsal.cloud.sdk import Signature
from rehearsal.cloud.sdk_types import problems_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """A resource type: an entry of a collection that is created, read, updated and deleted as a whole."""

    token: str
    own_name: str = "name"
    """The input that names it; the name is its id and no other of its type has it."""
    longest_name: int = 63
    fixed: frozenset[str] = frozenset()
    """Inputs whose change replaces it; its name is one."""
    refers: Mapping[str, str] = field(default_factory=dict)
    """Inputs, by dotted path, that name another object by id: path -> token. It must be ready."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Values that the cloud adds: name -> text with {id}, {region}, {account}, the inputs, and as {authority}
    the certificate, in base64, of a cluster's authority."""
    ready_min: float = 0.0
    deleted_min: float = 0.0
    usd_per_hour: Decimal | None = None
    """None: no price is known, or `demand` has one by the machine."""
    demand: Callable[[Inputs], Demand] | None = None
    """The machines of a pool, none among them."""
    nodes: Callable[[Account, Object], SimulatedNodes] | None = None
    """The Kubernetes nodes of a pool."""

    @property
    def service(self) -> str:
        """`compute` of madeup:compute/network:Network."""
        return self.token.split(":")[1].partition("/")[0]

    @property
    def word(self) -> str:
        return self.token.rpartition(":")[2]

    def kind(self) -> ResourceKind:
        """The resource type as every simulated cloud has it: one request for each create, update and delete."""
        return ResourceKind(
            token=self.token, create=self._create, update=self._update, delete=self._delete,
            fixed=self.fixed | {self.own_name}, refers=self.refers, own_name=self.own_name,
            longest_name=self.longest_name, needs_ready=True,
            ready_after_min=lambda _inputs: self.ready_min, deleted_after_min=lambda _inputs: self.deleted_min,
        )  # fmt: skip

    def _create(self, api: CloudApi, inputs: Inputs) -> Made:
        name = inputs[self.own_name]
        api.keep(self.service, f"Create{self.word}", {}, **inputs)
        known = {**inputs, "id": name, "region": api.region, "account": api.account_id, "authority": api.authority}
        return Made(id=name, outputs={output: text.format_map(known) for output, text in self.outputs.items()})

    def _update(self, api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
        api.keep(self.service, f"Update{self.word}", {}, **new)
        return {}

    def _delete(self, api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
        api.keep(self.service, f"Delete{self.word}", {}, **{self.own_name: id})


class SchemaOracle:
    """Judge of requests by the types that the cloud's Pulumi SDK declares."""

    names: Mapping[Treatment, str] = {
        Treatment.EXECUTED: "SDK's types",
        Treatment.KEPT: "SDK's types, kept by the account",
        Treatment.PREVIEWED: "SDK's types, in a preview",
    }

    def __init__(self, rows: Mapping[str, ResourceRow], signature: Callable[[str], Signature | None]) -> None:
        self._tokens = {(row.service, row.word): row.token for row in rows.values()}
        self._signature = signature

    def check(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters without what is None. Refuses (CloudApiError) what the types of the SDK forbid."""
        verb, word = operation[:6], operation[6:]
        known = self._signature(self._tokens[service, word])
        if known is None:
            raise CloudApiError("INVALID_ARGUMENT", f"the SDK has no {word}", operation=f"{service}:{operation}")
        given = {name: value for name, value in parameters.items() if not name.startswith("__") and value is not None}
        problems = () if verb == "Delete" else tuple(problems_of(known, given))
        if problems:
            raise CloudApiError("INVALID_ARGUMENT", "; ".join(problems), operation=f"{service}:{operation}")
        return given

    def execute(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError(f"no emulator executes {service}:{operation} for {sorted(parameters)} in {region}")

    def is_read_only(self, operation: str) -> bool:
        return not operation.startswith(("Create", "Update", "Delete"))

    def touched(self) -> tuple[str, ...]:
        return ()

    def warm(self, *, preview: bool) -> None:
        """Loads nothing: the SDK's source is read type by type."""

    def close(self) -> None:
        """Closes nothing."""
