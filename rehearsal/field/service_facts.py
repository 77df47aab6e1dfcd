"""Rows on single services of a cloud: stores and rights, repair, reservations, and what a place or version has.

Paths are those of facts.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """A store that the stack makes and that pods use by a role. `named`: the path, in the outputs, to its name in
    policies.
    """

    resource: str
    named: str
    actions: tuple[str, ...]
    """Those without which nothing is read or written."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRightRow:
    """A type that gives the pods of a namespace a role, and the type of a role's policy, each with the paths in it."""

    right: str
    namespace: str
    role: str
    policy: str
    policy_role: str
    statements: str
    action: str
    target: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedRow:
    """Actions (patterns) that reach others' things in the account unless a statement says which."""

    policy: str
    statements: str
    actions: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairRow:
    """A group of machines that the cloud itself repairs where `enabled` is true. `pool` is the path to its name."""

    resource: str
    pool: str
    enabled: str
    bounds: tuple[tuple[str, ...], ...]
    """Paths of which one of each set must have a value."""
    overrides: str
    """Path to what is done for single reasons: each with its `reason` and `action`; `left_alone` does nothing."""
    reason: str
    action: str
    left_alone: str
    needless: tuple[tuple[str, str, str], ...]
    """Devices, reasons for which the cloud repairs nodes with them though no repair helps, and what comes of it."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusiveRow:
    """Two fields of which a service takes only one. Paths may follow an id."""

    resource: str
    one: str
    other: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerNetworkRow:
    """An environment of jobs whose containers have interfaces in the groups at `own`, or in the network's `group` where
    there are none. `several` names a path of a `definition` and the value there of jobs to which that happens.
    """

    resource: str
    own: str
    definition: str
    several: tuple[str, str]
    group: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRoleRow:
    """A definition of jobs, or a group of nodes that run them, which needs a role to reach a store: at the first of the
    paths `role` that is set. Of a resource type with several uses, `where` names a path and the value there.

    What a role may do stands in `policy`, the role's name at `policy_role`, and `actions` are those it needs.
    """

    resource: str
    role: tuple[str, ...]
    store: str
    policy: str
    policy_role: str
    policy_actions: str
    actions: tuple[str, ...]
    source: str
    where: tuple[str, str] = ("", "")
    profile: str = ""
    """Type of a profile that stands for a role, where `role` names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDataRow:
    """Machines of a template that mount file systems in their data, a script in base64 at `data`.

    `users` are those that start machines of it: types, and paths at which the template's id stands. A file system with
    a policy that denies what comes without TLS takes no plain NFS, and no file system is there before its targets.
    """

    template: str
    data: str
    users: tuple[tuple[str, str], ...]
    policy: str
    policy_text: str
    target: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FabricMountRow:
    """A file system that clients reach over a fabric where it is `enabled` and they are set up for it, else over TCP.

    Clients are machines of a `template` with `interfaces` of the `kind`, in the file system's zone, of no type that is
    `without`. `users` start them: type, path of the template's id, path of their zone. `steps`: patterns of lines that
    the scripts of their user data in base64 must have, and what is told of a script without.
    """

    file_system: str
    enabled: str
    zone: str
    template: str
    data: str
    machine: str
    interfaces: str
    kind: str
    without: tuple[str, ...]
    users: tuple[tuple[str, str, str], ...]
    steps: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRow:
    """A group of machines that keep the template which they were started from, unless `refresh` has a value.

    `least` is the path to the share of them in percent that must be there while the others start anew; `most`, to the
    largest size: one machine alone is no gang.
    """

    resource: str
    template: str
    refresh: str
    least: str
    most: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntranceRow:
    """A scheduler that has nodes for people only where a group of them is in no queue and always runs.

    All are resources of one type, told apart by their `kind`.
    """

    resource: str
    kind: str
    cluster: str
    group: str
    queue: str
    id: str
    """Path, in the outputs, of a group's id."""
    members: str
    least: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRow:
    """A resource, told by a path and its value, that fails unless a chart is on the cluster `host` before it."""

    resource: str
    path: str
    value: str
    host: str
    chart: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedRow:
    """Resources that start machines of the reservation at `target`: one reservation is one machine type, one market and
    one place, so what `alike` lists is the same in all that name it.
    """

    resource: str
    target: str
    alike: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceRow:
    """An operation that may take longer than the provider waits for it by itself.

    Only of resources with that value at a path, where one is given: `when`.
    """

    resource: str
    operation: str
    takes_min: float
    given_min: float
    """The provider's own patience."""
    source: str
    when: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A value of `path` (a pattern) that the service does not have in `regions` (patterns)."""

    resource: str
    path: str
    value: str
    regions: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRow:
    """The partition of regions, by a pattern of their names. The first that fits counts."""

    regions: str
    partition: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """Software of a chart that acts on the cloud from pods, by a role that the cloud gives their service account.

    Only where the value at a path fits a pattern, if one is given: `when`.
    """

    chart: str
    account: str
    """Its service account, where the value at `account_at` says no other."""
    account_at: str
    right: str
    right_account: str
    right_space: str
    right_role: str
    policy: str
    policy_role: str
    statements: str
    actions: tuple[str, ...]
    """Without these it does nothing."""
    source: str
    told: tuple[tuple[str, ...], ...] = ()
    """Values that it else asks instance metadata for: of each set of paths one is given."""
    hops: tuple[str, str] = ("", "")
    """Type, and path, of the hops that an answer of instance metadata may take: with one it reaches no pod."""
    when: tuple[str, str] = ("", "")
    target: tuple[str, str, str] = ("", "", "")
    """Pattern whose first group is the name of what it writes into, the type of that, and the path to its name."""
    target_has: tuple[str, ...] = ()
    """Fields that this has to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerRow:
    """A chart whose controller makes the load balancers of Services of a class."""

    chart: str
    service_class: str
    scheme: str
    """Annotation that says whom it faces."""
    public: str
    """Its value for the internet."""
    subnet: str
    tags: str
    inside_tag: str
    outside_tag: str
    """Tags of subnets for the one and the other."""
    group: str
    group_tag: str
    """Type of security groups, and the start of a tag that only the cloud's own group of the nodes may have."""
    fails_closed: str
    """Switch of the webhook without whose answer no Service is made; on unless the values say otherwise."""
    without_class: str
    """Consequence for a Service that names no class."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRow:
    """Versions of `path` and the day from which no new resource is made of each."""

    resource: str
    path: str
    ends: Mapping[str, date]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachHostRow:
    """A group of one machine by which a session service leads into a network, and all that such a session takes.

    Types of resources, and paths in the group or in its template; `images`, `policy`: patterns of what has an agent,
    and of the policy that lets it work; `services`: those that the agent must reach, by a route or by an endpoint.
    """

    group: str
    network: str
    least: str
    subnets: str
    template: str
    templates: str
    image: str
    images: str
    security_groups: str
    profile: str
    profiles: str
    policies: str
    policy: str
    services: tuple[str, ...]
    endpoint: str
    associations: str
    routes: str
    ingress: str
    egress: str
    source: str
    port: int = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingRow:
    """A network that stands there before a stack: types of its parts, and paths in them."""

    network: str
    switches: tuple[str, ...]
    """Paths, all of which must be true."""
    switches_source: str
    subnet: str
    range: str
    kept: int
    """Addresses of a subnet that the cloud keeps for itself."""
    addresses: tuple[tuple[str, int], ...]
    """Addresses of one interface, by a pattern of machine types: a node has one interface with all of them at least."""
    range_source: str
    zone: tuple[str, ...]
    """Paths to the names of a subnet's zone."""
    given: str
    """Path in the stack file to its subnets by purpose and zone."""
    zone_source: str
    pools: tuple[tuple[str, str], ...]
    """Types of pools, and paths to the subnets that they stand in."""
    pool_name: str
    table: str
    table_subnets: str
    routes: str
    destination: str
    ways: tuple[str, ...]
    """Paths in a route to what leads machines without public addresses out."""
    endpoint: str
    """Type of a private way to the cloud's services."""
    ways_source: str
    access_list: str
    access_list_subnets: str
    access_list_source: str
    group: str
    template: str
    fabric: str
    fabric_kind: str
    fabric_groups: str
    group_source: str
