"""Facts of a cloud, in words that every cloud has. A rule reads them; `policies/clouds/<cloud>.py` states them.

A value that only the cloud will know is UNKNOWN in any field of type Any; None where the resource says nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from policies.rule import StackResource

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """A machine type as its cloud offers it."""

    accelerators: bool
    fabric_cards: tuple[int, ...] = ()
    """Indices of the network cards that carry the fabric."""
    usd_per_hour: Decimal | None = None
    """List price on demand; None where it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFacts:
    """A network interface that machines are started with."""

    card: int
    device: int
    fabric: bool
    addressed: bool
    guarded: bool
    """Member of a security group that the resource names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationFacts:
    """Capacity that was reserved, as the machines' resource names it."""

    id: Any = None
    untargeted: str = ""
    """Reason why no machine is started from it, where the resource asks for a reservation and names none."""
    outside: str = ""
    """The setting that lets machines start outside a reservation that is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Machines as a resource asks for them: a launch template, or a pool that needs none."""

    machine_type: Any
    expires: Any
    market: Any = None
    """The cloud's own word for how the machines are paid for."""
    is_prepaid: Any = False
    """Paid for in advance: not billed by the hour, and placed by the reservation."""
    interfaces: tuple[InterfaceFacts, ...] = ()
    placement_group: Any = None
    reservation: ReservationFacts | None = None

    @property
    def has_fabric(self) -> bool:
        return any(each.fabric for each in self.interfaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A group of equal machines."""

    nodes: Any
    labels: Any = None
    capacity: Any = None
    is_prepaid: Any = False
    agrees: bool = False
    """The pool and its launch template both state the capacity, and have to state the same."""
    names_no_reservation: str = ""
    """Reason why a prepaid pool cannot start machines from its reservation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Data that a resource keeps."""

    data: str
    encrypted: bool = True
    own_key: bool = True
    """Under a key that the stack makes or names, or of a kind that takes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Ranges that are let in."""

    path: str
    ranges: Sequence[Any]
    open_when_empty: str = ""
    """The thing that everybody reaches where no range is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned:
    """Software that a resource brings, at a version."""

    software: str
    version: Any
    is_exact: bool = True


def _nothing(*_: Any) -> Any:
    return ()


def _none(*_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudReader:
    """One cloud's facts. What it leaves out it does not have, and no rule asks about."""

    name: str
    fabric: str = ""
    fabric_device: str = ""
    """The extended resource by which a pod asks for the fabric."""
    accelerator_devices: tuple[str, ...] = ()
    internal_services: Mapping[str, str] = field(default_factory=dict)
    """Annotations that keep a Service's load balancer inside the network."""
    machines: Callable[[], Mapping[str, MachineFacts]] = dict
    launch: Callable[[str, Inputs], Launch | None] = _none
    pool: Callable[[str, Inputs], Pool | None] = _none
    budget: Callable[[Inputs], Any] = _none
    """The budget that a resource's tags name, in dollars an hour."""
    launches: Callable[[StackResource], Iterable[StackResource]] = _nothing
    """Resources that say how a pool's machines are started."""
    zones: Callable[[StackResource], Iterable[Any]] = _nothing
    """Zones of a pool's subnets."""
    fabric_groups: Callable[[StackResource], Iterable[StackResource]] = _nothing
    """Security groups of a launch's fabric."""
    self_reaching: Callable[[Sequence[StackResource]], tuple[set[str], set[str]]] = lambda _: (set(), set())
    """Security groups, by URN, whose own traffic is let in, and let out."""
    stored: Callable[[str, Inputs], Iterable[Stored]] = _nothing
    ingress: Callable[[str, Inputs], Iterable[Ingress]] = _nothing
    versions: Callable[[str, Inputs], Iterable[Versioned]] = _nothing
    images: Callable[[str, Inputs], Iterable[Any]] = _nothing
    """Images by name, or documents that hold them under the key `image`."""
