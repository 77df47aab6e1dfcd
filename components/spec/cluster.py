"""What the user asks of a cluster."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, IPvAnyNetwork, model_validator

from components.spec.base import Instant, Name, Spec, form


class Cloud(StrEnum):
    """Where a cluster can be. A cloud is one folder of providers/."""

    AWS = "aws"
    EXISTING = "existing"
    """Any Kubernetes, by its kubeconfig."""
    LOCAL = "local"


class OnDemand(Spec):
    """Machines as they are free, at list price."""


class Spot(Spec):
    """Spare machines at a lower price, which the cloud may take back."""

    fallback: Literal["onDemand"] | None = None
    """What takes the place of spot machines when there are none; when left out, the pool waits."""


class Reservation(Spec):
    """Machines that are paid for, used or not, until the reservation is given up."""

    id: str = Field(min_length=1)
    zone: str | None = None
    placement_group: str | None = None
    """The placement group the reservation was made in, where it was made in one."""


class CapacityBlock(Spec):
    """Machines paid for in advance, there from a start to an end."""

    id: str = Field(min_length=1)
    zone: str
    starts_at: Instant
    ends_at: Instant

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError(f"endsAt: {self.ends_at.isoformat()} is not after startsAt {self.starts_at.isoformat()}")
        return self


class CapacitySpec(Spec):
    """How a pool gets its machines: exactly one of these."""

    on_demand: OnDemand | None = None
    spot: Spot | None = None
    reservation: Reservation | None = None
    capacity_block: CapacityBlock | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("give exactly one of onDemand, spot, reservation and capacityBlock")
        return self


def _capacity_in_short(value: Any) -> Any:
    """`spot` means `{spot: {}}`."""
    if not isinstance(value, str):
        return value
    if value not in ("onDemand", "spot"):
        raise ValueError(f"{value!r} is not onDemand or spot, nor a mapping with reservation or capacityBlock")
    return {value: {}}


Capacity = Annotated[
    CapacitySpec,
    BeforeValidator(_capacity_in_short, json_schema_input_type=Literal["onDemand", "spot"] | CapacitySpec),
]


class PlacementKind(StrEnum):
    """How close to each other the machines of a pool stand."""

    NONE = "none"
    CREATE = "create"
    """A placement group of the pool's own."""
    EXISTING = "existing"
    FROM_RESERVATION = "fromReservation"
    """Where the reservation or capacity block stands."""


class PlacementSpec(Spec):
    kind: PlacementKind
    group: str | None = None
    """The name of an existing placement group."""

    @model_validator(mode="after")
    def _group_where_existing(self) -> Self:
        if (self.kind is PlacementKind.EXISTING) != (self.group is not None):
            raise ValueError("give a group with `existing`, and with nothing else")
        return self


def _placement_in_short(value: Any) -> Any:
    """`create` means `{kind: create}`; `{existing: g}` means `{kind: existing, group: g}`."""
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and set(value) == {"existing"}:
        return {"kind": "existing", "group": value["existing"]}
    return value


Placement = Annotated[
    PlacementSpec,
    BeforeValidator(
        _placement_in_short, json_schema_input_type=Literal["none", "create", "fromReservation"] | PlacementSpec
    ),
]


class FabricSpec(Spec):
    """A pool that goes without the fabric of its machines, and why."""

    none: str = Field(min_length=8)
    """The reason, for whoever reads the plan. A pool of several nodes has its machines' fabric, or a reason."""


def _fabric_has_a_reason(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"{value!r} is no reason; leave it out, or let `none` under it say why this pool does without")
    return value


Without = Annotated[FabricSpec, BeforeValidator(_fabric_has_a_reason, json_schema_input_type=FabricSpec)]


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TaintSpec(Spec):
    key: str = Field(min_length=1, max_length=316)
    value: str = Field(default="", max_length=63)
    effect: TaintEffect = TaintEffect.NO_SCHEDULE


class NodePoolSpec(Spec):
    """Machines of one type that are scheduled alike."""

    name: Name
    machine_type: str = Field(min_length=1)
    count: int = Field(default=1, ge=0, le=100_000)
    """Nodes wanted."""
    min_count: int | None = Field(default=None, ge=0, le=100_000)
    """Nodes it may shrink to; when left out, `count`."""
    max_count: int | None = Field(default=None, ge=1, le=100_000)
    """Nodes it may grow to; when left out, `count`."""
    zone: str | None = None
    """When left out: the reservation's zone, one zone for a pool with a fabric, else all."""
    capacity: Capacity = CapacitySpec(on_demand=OnDemand())
    placement: Placement | None = None
    fabric: Without | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    taints: tuple[TaintSpec, ...] = ()
    root_disk_gib: int | None = Field(default=None, ge=20, le=65_536)

    @model_validator(mode="after")
    def _counts_in_order(self) -> Self:
        low = self.count if self.min_count is None else self.min_count
        high = self.count if self.max_count is None else self.max_count
        if not low <= self.count <= high:
            raise ValueError(f"count: {self.count} is not between minCount {low} and maxCount {high}")
        return self

    @property
    def most(self) -> int:
        """The largest number of nodes that it may have."""
        return self.count if self.max_count is None else self.max_count

    @property
    def least(self) -> int:
        return self.count if self.min_count is None else self.min_count


class Nat(StrEnum):
    """How machines without a public address reach the internet."""

    SINGLE = "single"
    """One gateway: cheapest; a failed zone cuts the others off."""
    PER_ZONE = "perZone"
    NONE = "none"
    """Not at all: images come from a registry inside, by way of endpoints."""


class NetworkSpec(Spec):
    cidr: IPvAnyNetwork | None = None
    """Private IPv4 range of the whole network; when left out, one that holds every node and pod."""
    zones: tuple[str, ...] = ()
    """Availability zones; when left out, those the pools need, and as many as the control plane asks for."""
    nat: Nat = Nat.SINGLE
    flow_logs: bool = True


class ClusterSpec(Spec):
    """The cluster: what `penstock:cluster` holds."""

    cloud: Cloud
    region: str | None = None
    kubernetes_version: str | None = Field(
        default=None, pattern=form(r"^1\.\d{2}$", 'a Kubernetes version in quotes, such as "1.34"')
    )
    expires_at: Instant | None = None
    """When it is to be gone: tags every resource, and a policy refuses accelerators without it."""
    budget_usd_per_hour: float | None = Field(default=None, gt=0)
    """A plan that costs more is refused."""
    network: NetworkSpec = NetworkSpec()
    node_pools: tuple[NodePoolSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _pool_names_differ(self) -> Self:
        names = [pool.name for pool in self.node_pools]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"nodePools: the name {', '.join(map(repr, repeated))} is given to more than one pool")
        return self

    def expired(self, now: datetime) -> bool:
        """Whether the cluster should be gone already."""
        return self.expires_at is not None and self.expires_at <= now
