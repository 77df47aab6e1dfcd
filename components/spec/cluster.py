"""The cluster that the user asks for."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from components.spec.base import Instant, Name, NetworkRange, Spec, form
from components.spec.choice import Choice
from components.spec.explain import shown, suggestion
from components.spec.marks import LabelValue, MarkKey


def _known(value: Any, info: ValidationInfo) -> Any:
    """Refuses a cloud that is none of those that the context names; without a context every text is one."""
    names = (info.context or {}).get("clouds", ())
    if not names or value in names:
        return value
    *first, last = map(repr, names)
    expected = f"{', '.join(first)} or {last}" if first else last
    raise PydanticCustomError("enum", "not one of {expected}", {"expected": expected})


Reason = Annotated[str, Field(pattern=form(r"^[\s\S]{8,}$", "a reason of at least 8 characters"))]
"""Words for whoever reads the plan."""

Cloud = Annotated[str, BeforeValidator(_known)]
"""Place of a cluster, by the name of a cloud in the registry (providers/__init__.py)."""


class OnDemand(Spec):
    """Machines as they are free, at list price."""


class Spot(Spec):
    """Spare machines at a lower price, which the cloud may take back."""

    fallback: Literal["onDemand"] | None = None
    """`onDemand` adds a second, empty pool at list price; the autoscaler turns to it where there is no spot."""
    alternatives: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Further machine types that will do: the cloud gives whichever is spare. With the accelerators and processors of
    the pool's own machine type; of its size too where the pool may grow."""


class Reservation(Spec):
    """Machines that are paid for, used or not, until the reservation is given up."""

    id: str = Field(min_length=1)
    """Id of the reservation: `cr-...` on AWS, on GCP its full path `projects/PROJECT/reservations/NAME`."""
    zone: str | None = None
    """Zone it is in; when left out, the pool's own `zone`."""
    placement_group: str | None = None
    """Placement group that the reservation was made in, if any."""


class CapacityBlock(Spec):
    """Machines paid for in advance, there from a start to an end."""

    id: str = Field(min_length=1)
    """Id of the reservation that was bought with the block: `cr-...` on AWS."""
    zone: str
    """Zone the block is in."""
    starts_at: Instant
    """Time from which its machines are there, with the zone: 2027-11-01T11:30:00Z."""
    ends_at: Instant
    """Time at which they are taken away; nodes leave half an hour before."""

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.starts_at >= self.ends_at:
            ends, starts = (f"{each:%Y-%m-%dT%H:%MZ}" for each in (self.ends_at, self.starts_at))
            raise ValueError(f"endsAt: {ends} is not after startsAt ({starts}); give a later time")
        return self


_OF_THE_CLOUD: Mapping[str, str] = {
    key: f"on GCP it stands in the cloud's own key: penstock:gcp: {{pools: {{NAME: {{{key}: ...}}}}}} with the pool's "
    "name; move it there"
    for key in ("flexStart", "topology", "driver")
}
"""Settings of a pool that only one cloud has, where a user looks for them beside the others."""


class CapacitySpec(Choice):
    """Source of a pool's machines: exactly one of these."""

    refused_keys: ClassVar[Mapping[str, str]] = _OF_THE_CLOUD

    on_demand: OnDemand | None = None
    """Machines at list price, as long as there are any: `{}`, or the word `onDemand` in place of the mapping."""
    spot: Spot | None = None
    """Spare machines at a lower price, which may be taken back: `{}`, or the word `spot`."""
    reservation: Reservation | None = None
    """Machines of a capacity reservation."""
    capacity_block: CapacityBlock | None = None
    """Machines of a block of time that is paid for in advance."""


def _capacity_in_short(value: Any) -> Any:
    """`spot` means `{spot: {}}`."""
    if isinstance(value, list | bool | int | float):
        raise ValueError(f"{shown(value)} is not one of onDemand and spot; write spot, or leave it out for onDemand")
    if not isinstance(value, str):
        return value
    if value not in ("onDemand", "spot"):
        hint = suggestion(value, ("onDemand", "spot")) or (
            f"; {_OF_THE_CLOUD[value]}" if value in _OF_THE_CLOUD else ""
        )
        raise ValueError(f"{value!r} is not onDemand or spot, nor a mapping with reservation or capacityBlock{hint}")
    return {value: {}}


Capacity = Annotated[
    CapacitySpec,
    BeforeValidator(_capacity_in_short, json_schema_input_type=Literal["onDemand", "spot"] | CapacitySpec),
]


class PlacementKind(StrEnum):
    """Closeness of a pool's machines to each other."""

    NONE = "none"
    CREATE = "create"
    """A placement group of the pool's own."""
    EXISTING = "existing"
    FROM_RESERVATION = "fromReservation"
    """Placement in the reservation or capacity block."""


class PlacementSpec(Spec):
    """Placement group of a pool."""

    kind: PlacementKind
    """`none`; `create`: a group of the pool's own; `existing`: the one that `group` names; `fromReservation`: the
    reservation's."""
    group: str | None = None
    """Name of an existing placement group; only with `existing`."""

    @model_validator(mode="after")
    def _group_where_existing(self) -> Self:
        if (self.kind is PlacementKind.EXISTING) != (self.group is not None):
            raise ValueError("a group belongs to `existing`, and to nothing else; write {existing: GROUP}, or no group")
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


class FabricSpec(Choice):
    """A pool that goes without the fabric of its machines, or has it where it would go without, and why."""

    hint: ClassVar[str] = ", with the reason"

    none: Reason | None = None
    """The reason to go without, for whoever reads the plan: at least 8 characters."""
    wanted: Reason | None = None
    """The reason to have it on a pool of one node, whose jobs do not need it: a file system that is reached over it."""


def _fabric_has_a_reason(value: Any) -> Any:
    if isinstance(value, str):
        key = "wanted" if value == "wanted" else "none"
        raise ValueError(f"{value!r} is not a reason; omit it, or set `{key}:` under it to the reason")
    return value


FabricChoice = Annotated[FabricSpec, BeforeValidator(_fabric_has_a_reason, json_schema_input_type=FabricSpec)]


class TaintEffect(StrEnum):
    """Treatment of pods that do not tolerate a taint."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TaintSpec(Spec):
    """Kubernetes taint: keeps pods off that do not tolerate it."""

    key: MarkKey
    """Key of the taint, such as `nvidia.com/gpu`."""
    value: LabelValue = ""
    """Value of the taint; empty by default."""
    effect: TaintEffect = TaintEffect.NO_SCHEDULE
    """Treatment of pods that do not tolerate the taint."""


class NodePoolSpec(Spec):
    """Machines of one type that are scheduled alike."""

    refused_keys: ClassVar[Mapping[str, str]] = _OF_THE_CLOUD

    name: Name
    """Name of the pool: lower-case letters, digits and dashes."""
    machine_type: str
    """Machine type by the cloud's own name, such as p5.48xlarge; on this machine `this-machine`."""
    count: int = Field(default=1, ge=0, le=100_000)
    """Nodes at `up`."""
    min_count: int | None = Field(default=None, ge=0, le=100_000)
    """Smallest size; `count` when left out."""
    max_count: int | None = Field(default=None, ge=1, le=100_000)
    """Largest size; `count` when left out. Refused where nothing changes the size."""
    zone: str | None = None
    """Availability zone. When left out: the reservation's, one zone for a pool with a fabric, else all."""
    capacity: Capacity = CapacitySpec(on_demand=OnDemand())
    """Source of the machines: `onDemand`, `spot`, or a mapping with `reservation` or `capacityBlock`."""
    placement: Placement | None = None
    """Closeness of the machines: `none`, `create`, `fromReservation`, or `{existing: GROUP}`. When left out, a group
    for pools with a fabric, and the reservation's own for reserved machines.
    """
    fabric: FabricChoice | None = None
    """`{none: REASON}` for a pool of several nodes that goes without the fabric of its machines, `{wanted: REASON}`
    for one of a single node that has it all the same. When left out, several nodes with accelerators have it."""
    labels: dict[MarkKey, LabelValue] = Field(default_factory=dict)
    """Kubernetes labels on every node of the pool."""
    taints: tuple[TaintSpec, ...] = ()
    """Kubernetes taints on every node of the pool."""
    root_disk_gib: int | None = Field(default=None, ge=20, le=65_536)
    """Size of a node's root disk in GiB; when left out, 200 with accelerators and 100 without on AWS."""

    @model_validator(mode="after")
    def _counts_in_order(self) -> Self:
        low, high = self.min_count, self.max_count
        count = (
            f"count: {self.count}" if "count" in self.model_fields_set else f"count: left out it is {self.count}, which"
        )
        if low is not None and high is not None and low > high:
            raise ValueError(f"minCount: {low} is more than maxCount ({high}); take {high}, or raise maxCount")
        if low is not None and self.count < low:
            raise ValueError(f"{count} is less than minCount ({low}); take {low}, or lower minCount")
        if high is not None and self.count > high:
            raise ValueError(f"{count} is more than maxCount ({high}); take {high}, or raise maxCount")
        return self

    @model_validator(mode="after")
    def _taints_differ(self) -> Self:
        marks = [(taint.key, taint.effect) for taint in self.taints]
        for key, effect in sorted({mark for mark in marks if marks.count(mark) > 1}):
            raise ValueError(
                f"taints: {key} with {effect.value} is given {marks.count((key, effect))} times, and Kubernetes takes a"
                " key once for each effect; keep one, or give the others a key of their own"
            )
        return self

    @property
    def fabric_waived(self) -> str:
        """The reason to go without the fabric of its machines; empty where none is given."""
        return self.fabric.none or "" if self.fabric else ""

    @property
    def fabric_wanted(self) -> bool:
        return self.fabric is not None and self.fabric.wanted is not None

    @property
    def most(self) -> int:
        """The largest number of nodes that it may have."""
        return self.count if self.max_count is None else self.max_count

    @property
    def least(self) -> int:
        return self.count if self.min_count is None else self.min_count


class Nat(StrEnum):
    """Way to the internet for machines without a public address."""

    SINGLE = "single"
    """One gateway: cheapest; a failed zone cuts the others off."""
    PER_ZONE = "perZone"
    NONE = "none"
    """Not at all: images come from a registry inside, by way of endpoints."""


class NetworkSpec(Spec):
    """Network of the cluster: one of its own, or one that is there already."""

    existing: dict[str, Any] | None = None
    """A network that is there already, in the cloud's own words; the stack stands in it and changes nothing of it."""
    cidr: NetworkRange | None = None
    """Private IPv4 range of the whole network; when left out, one that holds every node and pod."""
    zones: tuple[str, ...] = ()
    """Availability zones; when left out, those the pools need, and as many as the control plane asks for."""
    nat: Nat = Nat.SINGLE
    """Way out for machines without a public address: `single` is one gateway, `perZone` one in each zone, `none` no
    way out."""
    flow_logs: bool = True
    """Log of all connections of the network; billed by the GB."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        own = [to_camel(name) for name in type(self).model_fields if name in self.model_fields_set - {"existing"}]
        if self.existing is not None and own:
            fact = "belongs to a network that the stack makes, and this one is there already"
            raise ValueError(f"existing: {', '.join(own)} {fact}; remove {', '.join(own)}")
        return self


class ClusterSpec(Spec):
    """The cluster: cloud, network and node pools."""

    cloud: Cloud
    """Place of the cluster: `aws`, `azure`, `gcp`, `existing` (any Kubernetes, by its kubeconfig) or `local` (this
    machine)."""
    region: str | None = None
    """Region of the cloud, such as us-east-2, eastus2 or us-central1; required on AWS, Azure and GCP."""
    kubernetes_version: str | None = Field(
        default=None, pattern=form(r"^1\.\d{2}$", 'a Kubernetes version in quotes, such as "1.34"')
    )
    """Version in quotes, such as "1.35"; when left out, the cloud's default."""
    expires_at: Instant | None = None
    """End of the stack, with its zone: 2027-12-31T00:00:00Z. It becomes a tag, and a policy refuses accelerators
    without it; only `pulumi destroy` ends anything."""
    budget_usd_per_hour: float | None = Field(default=None, gt=0)
    """Dollars an hour; a plan whose known prices are over it is refused."""
    allow_node_roll: Reason | None = None
    """Reason, of at least 8 characters, why `up` may roll or replace nodes with accelerators; without one it is
    refused. Take it out when it is done."""
    network: NetworkSpec = NetworkSpec()
    """Network of the cluster; when left out, one that fits its pools."""
    node_pools: tuple[NodePoolSpec, ...] = Field(min_length=1)
    """Pools of machines, each of one machine type. At least one."""

    @model_validator(mode="after")
    def _pool_names_differ(self) -> Self:
        names = [pool.name for pool in self.node_pools]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            names_given = ", ".join(map(repr, repeated))
            raise ValueError(f"nodePools: the name {names_given} is given to more than one pool; give each its own")
        return self

    def expired(self, now: datetime) -> bool:
        """True if the cluster should be gone already."""
        return self.expires_at is not None and self.expires_at <= now
