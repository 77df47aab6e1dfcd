"""Decided node pool on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from components.plan.cluster import NodePoolPlan, Taint
from providers.aws.catalog import AwsMachine

KARPENTER = "karpenter"
"""The add-on that starts the machines of a pool itself, without a group, as pods need them (karpenter.sh)."""

MOST_PODS = 110
"""Of one node: what Kubernetes advises (kubernetes.io, "Considerations for large clusters")."""

AMAZON_LINUX_ROOT = "/dev/xvda"
"""Root device of Amazon Linux: of another name, a disk is a second one, and the root as small as its image."""

InterfaceType = Literal["interface", "efa", "efa-only"]
"""EC2's words for a network interface: with an address only, with both, with fabric only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One network interface of a launch template. The one at card 0, device 0 is the primary."""

    card: int
    device: int
    kind: InterfaceType


def is_resource_group(reservation: str) -> bool:
    """True for the ARN of a resource group, false for the id of one reservation."""
    return reservation.startswith("arn:")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemandCapacity:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCapacity:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedCapacity:
    """An on-demand capacity reservation, and nothing but it."""

    reservation: str
    """Its id, or the ARN of a resource group of reservations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCapacity:
    """A capacity block: no nodes before `starts_at`, none left when AWS begins to end them."""

    reservation: str
    """Its id, or the ARN of a resource group: UltraServers only."""
    starts_at: datetime
    drains_at: datetime
    ends_at: datetime

    @property
    def is_group(self) -> bool:
        return is_resource_group(self.reservation)


Capacity = OnDemandCapacity | SpotCapacity | ReservedCapacity | BlockCapacity


@dataclass(frozen=True, slots=True, kw_only=True)
class NoGroup:
    """No placement group: apart, or placed by a capacity block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGroup:
    """A cluster placement group that the pool makes."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenGroup:
    """One that is there already."""

    name: str


Placement = NoGroup | OwnGroup | GivenGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeChange:
    """A pool's size from a moment on."""

    name: str
    at: datetime
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsNodePoolPlan(NodePoolPlan):
    """A node pool on AWS. A spot pool with a fallback becomes two of these, alike in all but name and capacity."""

    machine: AwsMachine
    alternatives: tuple[AwsMachine, ...] = ()
    """Of a spot pool: further machine types, of which a node may be any. Sizes and prices are those of the least and
    the dearest of all."""
    zones: tuple[str, ...]
    """One for a pool with a fabric: it does not cross zones."""
    addresses_per_node: int
    """IPv4 addresses of a subnet that one node and its pods take."""
    interfaces: tuple[Interface, ...]
    capacity: Capacity
    placement: Placement
    ami_type: str
    """EKS's name for the image; `AL2023_x86_64_NVIDIA`."""
    self_managed: bool
    """An auto scaling group of our own, where an EKS managed node group cannot have the machine."""
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    root_disk_gib: int
    desired_now: int
    """Nodes at `up`: none for a block that has not started; a schedule then sets `node_count`."""
    schedule: tuple[SizeChange, ...] = ()
    """Of a block: what is still to come, earliest first."""
    max_pods: int = MOST_PODS
    """Of one node; the kubelet is told, so that `addresses_per_node` holds."""
    image_parameter: str = ""
    """SSM parameter that names the image of a self-managed pool; EKS knows that of its own."""
    release: str = ""
    """Release of EKS's image that its nodes have; empty for the newest."""
    node_repair: bool = True
    """EKS replaces nodes whose hardware, kernel or network fails."""
    fallback: str = ""
    """The pool that stands in for it; empty where there is none."""

    @property
    def machine_types(self) -> tuple[AwsMachine, ...]:
        """All that a node may be, the pool's own first."""
        return (self.machine, *self.alternatives)

    @property
    def machine_names(self) -> str:
        return " or ".join(machine.name for machine in self.machine_types)

    @property
    def by_karpenter(self) -> bool:
        """Karpenter starts its machines, without a group."""
        return self.grown_by == KARPENTER

    @property
    def in_managed_group(self) -> bool:
        """A node group of EKS's starts its machines, where EKS is the control plane."""
        return not (self.self_managed or self.by_karpenter)

    @property
    def least_in_group(self) -> int:
        """Least size of its group: a block's has none before it begins and after it ends, whatever the pool has."""
        return 0 if isinstance(self.capacity, BlockCapacity) else self.min_count

    @property
    def keeps_idle_nodes(self) -> bool:
        """True for a pool of a fixed count whose group may have fewer, as a fallback stands beside it."""
        return bool(self.fallback) and self.node_count == self.max_count

    @property
    def efa_devices(self) -> int:
        """Of one node."""
        return sum(interface.kind != "interface" for interface in self.interfaces)
