"""Rows in which a cloud says which field of which resource type means what to a field rule.

A path is dotted; `>` follows the id before it to the resource of that id (`launchTemplate.id>instanceType`).
Every row of a fact has its source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rehearsal.field.provisioner_facts import ProvisionerRow
from rehearsal.field.service_facts import (
    AgentRow,
    BalancerRow,
    BoundedRow,
    ContainerNetworkRow,
    EntranceRow,
    ExclusiveRow,
    ExistingRow,
    FabricMountRow,
    HostDataRow,
    JobRoleRow,
    PartitionRow,
    PatienceRow,
    PlaceRow,
    PodRightRow,
    PreparedRow,
    ReachHostRow,
    RefreshRow,
    RepairRow,
    ReservedRow,
    StoreRow,
    SupportRow,
)

if TYPE_CHECKING:
    from rehearsal.field.deployed import Deployment, Finding


class Effect(StrEnum):
    """Consequence of a changed field for the machines behind it."""

    NOTHING = "nothing"
    ROLLS = "rolls nodes"
    REPLACES = "replaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """A managed control plane's API server."""

    resource: str
    cluster: str
    public: str
    public_unless_said: bool
    public_when: bool = True
    """False for a field that says that the cluster is private."""
    open_to: str
    open_unless_said: tuple[str, ...]
    source: str
    group: str = ""
    """Path, in the outputs, to the security group of its interfaces."""
    switch: str = ""
    """Path that is false where the server has no such endpoint at all. A server with several rows has several ways to
    it, of which one is enough."""
    network: str = ""
    """Type of the network that a private one answers in, where no host leads into it; a stack without is inside."""
    within: str = ""
    """Path to that network's name; where it is given, a stack that makes only other networks is inside too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """A group of machines that joins a cluster. Each path may have alternatives, the first that has a value counts."""

    resource: str
    name: str
    machine_type: tuple[str, ...]
    labels: str
    taints: str
    minimum: str
    desired: str
    maximum: str
    """Paths to its sizes; of alternatives between | the first that has a value counts."""
    zones: str = ""
    """Path to its zones, where sizes are of each of them."""
    marked: Callable[[Mapping[str, Any]], tuple[Mapping[str, str], tuple[Mapping[str, str], ...]]] | None = None
    """Labels and taints that the cloud itself puts on its nodes, by the pool's inputs."""
    fabric: str = ""
    """Path to the kinds of interfaces; those that begin with `fabric_kind` are devices."""
    fabric_kind: str = ""
    fabric_device: str = ""
    fabric_huge_pages_mib: int = 0
    group: str = ""
    """Path, in the outputs, to the name by which others resize it."""
    autoscaled: str = ""
    """Path to what makes the cloud itself grow the pool, where it can."""
    market: str = ""
    """Path to the word for how its machines are paid; `spare_market` is that of those which may not be had."""
    spare_market: str | bool = ""
    given_up: str = ""
    """Source for that the cloud gives a group up whose first nodes are not to be had; empty where it tries on."""
    effects: Mapping[str, str] = field(default_factory=dict)
    """The cloud's words for taint effects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    """Machine types, by a pattern of their names."""

    pattern: str
    device: str
    count: int
    architecture: str = "amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSize:
    """Processors, memory and accelerators of a machine type."""

    cores: int
    memory_mib: int
    pods: int
    """That its addresses allow, which a node's reserve counts."""
    kind: str
    """Its processors and accelerators, in words: `x86_64, 1 x L4`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLabelRow:
    """Labels that the cloud puts on nodes of machine types, by a pattern of their names. The first that fits counts."""

    pattern: str
    keys: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAddonRow:
    """An add-on that the cloud installs: the path to the chart's name, and to the values."""

    resource: str
    chart: str
    values: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRow:
    """The cloud's own registry: images whose host matches are there only if something has put them there."""

    host: str
    """A regular expression."""
    repositories: tuple[tuple[str, str], ...]
    """Types and paths of repositories, by their names in the registry."""
    open: str = ""
    """A regular expression of repositories that others keep there for everybody."""
    mirrors: tuple[tuple[str, str], ...] = ()
    """Types and paths of prefixes below which the registry fetches from another."""
    mirror_needs_way_out: bool = False
    """True if a mirror fetches what it has not only for a network with a way out."""
    places: tuple[tuple[str, str, str], ...] = ()
    """Types of what holds many images below its address: the path to that, in the outputs, and a path that has a value
    where it fetches what it has not."""
    pull_rights: tuple[tuple[str, str, str], ...] = ()
    """Types, paths and regular expressions of what lets nodes pull."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """A resource type that names images at `path`."""

    resource: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """Consequence of a change of `path` (a pattern) of a resource of that type."""

    resource: str
    path: str
    effect: Effect
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatileRow:
    """A field that, changed, rolls nodes, and should hold nothing that changes while they work."""

    resource: str
    path: str
    key: str
    """A regular expression of the keys that people change in operation."""
    followed_by: tuple[tuple[str, str], ...]
    """Types and paths of the groups that replace their nodes as soon as the resource of that id changes."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """A group of machines that takes the newest image of the day as long as the field names no release."""

    resource: str
    field: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """A version that moves one minor up at a time, never down. `followers` are tied to it by their own version."""

    resource: str
    path: str
    source: str
    followers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """A size that only grows."""

    resource: str
    path: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRow:
    """A name that a deleted resource keeps for a while."""

    resource: str
    path: str
    held_h: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizerRow:
    """A resource that changes a pool's size by its group's name."""

    resource: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerRow:
    """A chart that grows pools, and what it takes to do so: an account with rights, and groups that it finds."""

    chart: str
    source: str
    needs: tuple[str, ...] = ()
    """Values of which the chart needs one: without, it makes nothing that runs."""
    right: str = ""
    """Type that gives an account a role: with the account at `account`, and the role's ARN at `role`."""
    account: str = ""
    role: str = ""
    account_value: str = ""
    """Path of the chart's values that names its account; where it has none, `account_pattern` counts."""
    account_pattern: str = ".*"
    policy: str = ""
    """Type of a role's policy: the role's name at `policy_role`, what it allows at `policy_actions`."""
    policy_role: str = ""
    policy_actions: str = ""
    actions: tuple[str, ...] = ()
    """Those that it cannot do without."""
    finds_by: str = ""
    """Path of the chart's values that lists tags, all of which a group must have to be seen."""
    tag: str = ""
    """Type of a group's tag: the group at `tag_group`, the key at `tag_key`."""
    tag_group: str = ""
    tag_key: str = ""
    tagged_by_cloud: tuple[str, ...] = ()
    """Beginnings of tags that the cloud itself puts on every group."""
    device_tag: str = ""
    """Beginning of the tags that say which devices the nodes of an empty group will have."""
    devices_known: tuple[str, ...] = ()
    """Devices that it knows without."""
    expander: str = ""
    """Path of the chart's values that names how it chooses among groups; `priorities`, with what numbers."""
    priorities: str = ""
    balances: str = ""
    """Path of the switch by which it spreads nodes over groups alike."""
    notices_by: str = ""
    """Action by which it learns at once that a group gets no machines."""
    fallback_source: str = ""
    awaits: Mapping[str, str] = field(default_factory=dict)
    """Devices that come after a node is Ready, and the label by which it waits for them and adds no further node."""

    def is_account(self, name: str, told: str) -> bool:
        """True for the account of the chart, told by its values or not."""
        return name == told if told else re.search(self.account_pattern, name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRow:
    """A kind of objects that does nothing while `chart`, which is there, has no true value at `switch`."""

    kind: str
    chart: str
    switch: str
    effect: str
    source: str
    names: str = ""
    """Path in the object to what must be a number where the chart acts on it: it does not find what has only a name."""
    names_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingRow:
    """A thing that works only some time after it was made: `user` (with `user_path` set) fails while it does not.

    `made_where` is a path and the value that it must have, empty for any. Told to wait is a user that needs `made` or
    `waits_on`, a type that exists to wait; and one that comes after something which takes longer to make, itself made
    after it: `outlasted_by`, a type, a path and the value there.
    """

    made: str
    user: str
    user_path: str
    source: str
    made_where: tuple[str, str] = ("", "")
    minutes: float = 1.0
    waits_on: str = ""
    outlasted_by: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """Limits of the cloud's own request for a pool on its labels and taints, beside those of Kubernetes."""

    longest_key: int
    empty_values: bool
    """True if a label may have none."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFacts:
    """One cloud's rows. `nodes` is its name in nodes.csv."""

    nodes: str
    endpoints: tuple[EndpointRow, ...] = ()
    reach_hosts: tuple[ReachHostRow, ...] = ()
    pools: tuple[PoolRow, ...] = ()
    machines: tuple[MachineRow, ...] = ()
    node_labels: tuple[NodeLabelRow, ...] = ()
    addons: tuple[CloudAddonRow, ...] = ()
    registries: tuple[RegistryRow, ...] = ()
    images: tuple[ImageRow, ...] = ()
    pushers: tuple[str, ...] = ()
    """Types, or starts of them, that put an image into a registry."""
    ways_out: tuple[str, ...] = ()
    """Types that give machines a path to registries outside; none known where empty."""
    changes: tuple[ChangeRow, ...] = ()
    volatile: tuple[VolatileRow, ...] = ()
    releases: tuple[ReleaseRow, ...] = ()
    versions: tuple[VersionRow, ...] = ()
    sizes: tuple[SizeRow, ...] = ()
    names: tuple[NameRow, ...] = ()
    resizers: tuple[ResizerRow, ...] = ()
    autoscalers: tuple[AutoscalerRow, ...] = ()
    provisioners: tuple[ProvisionerRow, ...] = ()
    served: tuple[ServedRow, ...] = ()
    no_default_class: str = ""
    """The publication that says that its clusters have no default storage class; empty where they have one."""
    settling: tuple[SettlingRow, ...] = ()
    repairs: tuple[RepairRow, ...] = ()
    stores: tuple[StoreRow, ...] = ()
    pod_rights: tuple[PodRightRow, ...] = ()
    bounded: tuple[BoundedRow, ...] = ()
    exclusive: tuple[ExclusiveRow, ...] = ()
    container_networks: tuple[ContainerNetworkRow, ...] = ()
    job_roles: tuple[JobRoleRow, ...] = ()
    fabric_mounts: tuple[FabricMountRow, ...] = ()
    refreshes: tuple[RefreshRow, ...] = ()
    sizes_of: Callable[[str], MachineSize | None] | None = None
    """A machine type as the cloud describes it."""
    rules: tuple[Callable[[Deployment], Iterator[Finding]], ...] = ()
    """Rules of what this cloud alone does, beside those of every cloud."""
    host_data: tuple[HostDataRow, ...] = ()
    entrances: tuple[EntranceRow, ...] = ()
    prepared: tuple[PreparedRow, ...] = ()
    patience: tuple[PatienceRow, ...] = ()
    reserved: tuple[ReservedRow, ...] = ()
    places: tuple[PlaceRow, ...] = ()
    partitions: tuple[PartitionRow, ...] = ()
    support: tuple[SupportRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()
    existing: tuple[ExistingRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    balancers: tuple[BalancerRow, ...] = ()
