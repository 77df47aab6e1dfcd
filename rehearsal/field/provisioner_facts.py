"""Row of an autoscaler that starts machines by objects of its own, without a group. Paths are those of facts.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The queue by which an autoscaler hears which machines go: the types of queue, rule, target and policy."""

    value: str
    """Path of the chart's values that names it."""
    queue: str
    name: str
    arn: str
    """Path, in the outputs."""
    rule: str
    pattern: str
    """Path to the kind of events that a rule passes on."""
    events: tuple[str, ...]
    """Kinds of events that it must hear of."""
    target: str
    target_rule: str
    target_arn: str
    policy: str
    policy_queue: str
    statements: str
    sender: str
    """Principal that passes the events on."""
    encrypted: tuple[str, ...]
    """Paths of which one must be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionerRow:
    """A chart that starts machines by objects of two kinds: a pool, and the class of its machines."""

    chart: str
    pool: str
    """Kinds of the objects."""
    machine_class: str
    class_name: str
    labels: str
    taints: str
    requirements: str
    machine_type: str
    """Keys of requirements: the machine type, the market and its word for what may not be had."""
    market: str
    spare_market: str
    weight: str
    most: str
    most_pods: str
    """Path in the class."""
    expected_ki: Callable[[float, int, str], int]
    """Memory that it counts on of a machine that it has not seen: of nominal GiB, most pods and architecture."""
    expected_source: str
    subnets: str
    """Paths in the class to terms that select subnets and security groups, by `id` or by `tags`."""
    subnet: str
    subnet_tags: str
    default_tags: tuple[str, str]
    """Type and path of tags that a provider puts on everything."""
    groups: str
    group_tags: Callable[[str], Mapping[str, str]]
    """Tags that the cloud puts on the group of a cluster of that name, by which its nodes reach the API server."""
    cluster: tuple[str, str]
    profile: str
    """Path in the class; then type, and paths of its name and role."""
    profiles: tuple[str, str, str]
    entry: tuple[str, str, str, str]
    """Type of what admits nodes, paths of role and kind, and the kind of those that no group starts."""
    role: str
    """Type whose outputs have `arn`, which an entry names."""
    right: str
    queue: QueueRow
    keeps: tuple[tuple[str, str, str], ...]
    """Paths in a pool of accelerators, the value that each must have, and what comes of another."""
    drift: tuple[str, str]
    """Path of the budgets, and the reason of which nothing may go."""
    source: str
