"""Differences between simulated clouds: the constant RULES of the module rehearsal/providers/<cloud>/rules.py."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import Inputs, Outputs, ResourceKind
from rehearsal.cloud.sdk import Signature
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store

if TYPE_CHECKING:
    from rehearsal.cloud.account import Account, Object
    from rehearsal.cloud.lifecycle import SimulatedCloud
    from rehearsal.cloud.quotas import Quota
    from rehearsal.cloud.requests import LiveApi


class Market(StrEnum):
    """Payment of machines. Reserved ones are there: neither capacity nor quotas are lacking."""

    ON_DEMAND = ""
    SPOT = "spot"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`count` machines of the first of these types that is available, in these zones."""

    machine_types: tuple[str, ...]
    zones: tuple[str, ...]
    count: int
    market: Market = Market.ON_DEMAND


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNodes:
    """The Kubernetes nodes of one group. `count` None: nobody knows how many, as of a group that failed."""

    group: str
    count: int | None
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    allocatable: Mapping[str, Any]
    modules: tuple[str, ...] = ()
    """Kernel modules that are in use there, among those that anybody looks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """Configuration of an explicit provider."""

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)


class Treatment(StrEnum):
    """Treatment of a request: executed by the oracle, kept by the account, or only checked, in a preview."""

    EXECUTED = "executed"
    KEPT = "kept"
    PREVIEWED = "previewed"


class Oracle(Protocol):
    """Judge of requests, made by others than penstock: a cloud's published schema, an emulator of its API."""

    names: Mapping[Treatment, str]
    """The judge's name for each treatment, as a report shows it."""

    def check(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as they are sent. Refuses (CloudApiError) all that the schema forbids."""
        ...

    def execute(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. CloudApiError in the cloud's words; NotImplementedError where the oracle lacks the operation."""
        ...

    def is_read_only(self, operation: str) -> bool:
        """Tells that the operation changes nothing."""
        ...

    def touched(self) -> tuple[str, ...]:
        """Things that stood in the account before and are not as they were, a sentence for each."""
        ...

    def warm(self, *, preview: bool) -> None:
        """Loads what the first requests will need, beside the engine's start."""
        ...

    def close(self) -> None: ...


class Rules(Protocol):
    """All that differs between simulated clouds."""

    title: str
    """`the simulated AWS`, for messages."""
    package: str
    """The engine's name of the provider: `aws`, `azure-native`."""
    sdk_version: str
    account_id: str
    default_region: str
    replacing_settings: frozenset[str]
    """Settings of a provider whose change makes every resource anew: another region, another project."""
    always_updated: frozenset[str]
    """Inputs whose change never replaces a resource: tags."""
    cluster_token: str
    """The type of a Kubernetes cluster."""
    node_tokens: frozenset[str]
    """Types whose creation, change and deletion change the cluster's nodes, the cluster among them."""
    public_names: str
    """End of the host names whose certificates come from an authority that every machine trusts; empty for none: then
    all come from the account's own, which a kubeconfig names."""
    token_life_min: float
    """Minutes for which a cluster's API server takes a token."""
    delete_retried_min: float
    """Minutes for which the provider repeats a deletion that is refused because of dependencies."""
    ready_timeout_min: float
    """Minutes until a pool that lacks nodes is given up."""
    refusals: tuple[str, ...]
    """Codes of transient errors, for campaigns."""
    deletable: tuple[str, ...]
    """Types that others may delete behind the engine's back, for campaigns."""

    # Resource types and their inputs.

    def kind_of(self, token: str) -> ResourceKind | None:
        """The kind of the resource type, None for one that is not simulated."""
        ...

    def signature(self, token: str) -> Signature | None:
        """Inputs and outputs of the type as its SDK declares them, None for a type that the SDK lacks."""
        ...

    def settings(self, settings: Inputs) -> ProviderSettings: ...

    def with_defaults(self, known: Signature, inputs: Inputs, settings: ProviderSettings) -> dict[str, Any]:
        """The inputs, completed from the provider's settings: default tags or labels."""
        ...

    def echo(self, inputs: Inputs, region: str) -> dict[str, Any]:
        """The inputs as outputs, with those that every resource of the provider has."""
        ...

    # Names and references.

    def aliases(self, outputs: Outputs) -> Iterator[str]:
        """Names of an object other than its id: ARN, self link."""
        ...

    def is_reference(self, text: str) -> bool:
        """Tells that the text, as a whole, names an object of this account."""
        ...

    def blocks_deletion(self, text: str) -> bool:
        """Tells that an object which is named so in inputs cannot be deleted before the one that names it."""
        ...

    def standing(self, config: Mapping[str, Any]) -> Sequence[StandingThing]:
        """Things that a stack file with this configuration names, and that are there before it: a network, whole."""
        ...

    # The cloud's own words.

    def not_found(self, text: str, token: str = "") -> CloudApiError: ...

    def not_ready(self, what: str) -> CloudApiError: ...

    def busy(self, what: str) -> CloudApiError:
        """The error for an operation on what takes one at a time, and has one."""
        ...

    def in_use(self, token: str, id: str, by: Sequence[str]) -> CloudApiError:  # noqa: A002 (the engine's own word)
        ...

    def already_exists(self, token: str, id: str) -> CloudApiError:  # noqa: A002 (the engine's own word)
        ...

    def throttled(self, operation: str) -> CloudApiError: ...

    def partial(self, demand: Demand, launched: int) -> str:
        """Sentence of a pool of which only some machines came up."""
        ...

    def no_capacity(self, demand: Demand, machine_type: str) -> str: ...

    def unusable(
        self, account: "Account", now_min: float, service: str, parameters: Mapping[str, Any]
    ) -> CloudApiError | None:
        """The error for any request to a service that is not switched on in the account; None where all always are."""
        ...

    # Machines, limits, prices.

    def demand(self, account: "Account", token: str, inputs: Inputs) -> Demand | None:
        """The machines that a pool asks for; None for what is no pool, or asks for nothing."""
        ...

    def quotas(self, limits: Mapping[str, Any]) -> tuple["Quota", ...]:
        """The limits of a fault script as rows. Refuses (SpecError) a limit that the cloud does not have."""
        ...

    def nodes(self, account: "Account") -> Iterator[SimulatedNodes]: ...

    def price(self, account: "Account", thing: "Object") -> Decimal | None:
        """Dollars an hour, None where no price is known."""
        ...

    # Objects that a cluster's controllers make, without any program.

    def load_balancer(self, api: "LiveApi", cluster: "Object") -> "Object": ...

    def is_gone(self, api: "LiveApi", balancer: "Object") -> bool:
        """Tells that somebody has deleted the load balancer through the cloud's API."""
        ...

    # Processes.

    def oracle(self, store: Store, standing: Sequence[StandingThing] = ()) -> Oracle:
        """The oracle of an account in which these things stand already."""
        ...

    def environment(
        self, folder: Path, config: Mapping[str, Any], cloud: "SimulatedCloud", *, preview: bool
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Environment for programs that speak to the cloud's API themselves: to the simulation `cloud`, or to nobody.
        `config` is that of the stack file.
        """
        ...

    def invoke(self, account: "Account", token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a function of the provider's that a program calls. CloudApiError where there is none."""
        ...

    def brought(self, cluster: "Object") -> Iterator[Mapping[str, Any]]:
        """Definitions that a cluster of this cloud has from the beginning, as Kubernetes objects."""
        ...

    def controllers(self, account: "Account") -> Mapping[str, tuple[float, Callable[[Any, str, dict[str, Any]], bool]]]:
        """Controllers that a cluster of this cloud has by itself: of kinds (`group|Kind`), in the form of those that
        every cluster has.
        """
        ...

    def endpoint(self, cluster: "Object") -> str:
        """Address of a Kubernetes cluster that is ready, as a kubeconfig names it."""
        ...

    @property
    def keeps_images(self) -> bool:
        """True if it has a registry that penstock's command pushes to."""
        ...

    def container_programs(self, folder: Path) -> Mapping[str, str]:
        """Environment with programs, in `folder`, that build, push and copy images into the simulated registry."""
        ...

    def stored_images(self, store: Store) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """Images in the simulated registries of the account: repository with its host, tag, digest, processors."""
        ...

    def credentials(self, folder: Path, given: Path) -> Mapping[str, str]:
        """Environment in which a kubeconfig of this cloud comes to tokens, each of which is noted in the file `given`.
        Its programs lie in `folder`.
        """
        ...


def named_in(rules: Rules, words: Collection[str]) -> frozenset[str]:
    """Those of the words that name an object: what a user names in a stack file is in the account beforehand."""
    return frozenset(word for word in words if rules.is_reference(word))
