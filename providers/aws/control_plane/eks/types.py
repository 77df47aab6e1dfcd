"""Decided Kubernetes control plane on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from components.plan.part import Decision
from providers.aws.control_plane.eks.kept import KeptPlan
from providers.aws.settings import Tier
from providers.aws.types import AwsNodePoolPlan

SupportType = Literal["STANDARD", "EXTENDED"]
"""EKS's words for what happens when standard support ends: moved to the next version, or kept at a higher price."""

LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnPlan:
    """Software on the cluster that EKS installs and keeps."""

    name: str
    version: str
    configuration: str
    """JSON of the add-on's own schema; empty for its defaults."""
    service_account: str
    """Service account whose pods act on AWS; empty where none do."""
    managed_policies: tuple[str, ...]
    """Names of AWS's own policies, with their path, for that account's role."""
    actions: tuple[str, ...]
    """Further actions of that role, on every resource: for those that know no narrower one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatement:
    """Actions that a role allows."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    equals: Mapping[str, str] = field(default_factory=dict)
    """Values that keys of the request must have: `aws:ResourceTag/team`, `aws:RequestTag/team`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRolePlan:
    """Rights on AWS of one of penstock's own add-ons, by its service account."""

    name: str
    namespace: str
    service_account: str
    statements: tuple[PolicyStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicReach:
    """By a public endpoint, which answers these ranges."""

    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideReach:
    """By the private endpoint, from these ranges in or beside the network that was there before."""

    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SsmHostReach:
    """By the private endpoint, through a host that Session Manager forwards a port of this machine by."""

    pool: AwsNodePoolPlan
    """One small machine, which joins no cluster."""
    local_port: int | None
    """Port of 127.0.0.1; None for one by the name of the cluster's endpoint."""


ReachPlan = PublicReach | InsideReach | SsmHostReach
"""Way from where pulumi and kubectl run to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EksPlan:
    name: str
    region: str
    version: str
    support: SupportType
    standard_support_ends: datetime
    extended_support_ends: datetime
    tier: Tier
    reach: ReachPlan
    admins: tuple[str, ...]
    log_types: tuple[LogType, ...]
    log_retention_days: int
    service_cidr: str
    subnets: tuple[str, ...]
    """Names of the network plan's subnets that the control plane has its interfaces in: one in each of its zones."""
    first_add_ons: tuple[AddOnPlan, ...]
    """Without these no node becomes ready."""
    add_ons: tuple[AddOnPlan, ...]
    """These need nodes to become ready themselves."""
    pod_roles: tuple[PodRolePlan, ...]
    system_pool: AwsNodePoolPlan
    """Small machines for what the cluster itself runs. They outlive every other pool."""
    self_managed_nodes: bool
    """Nodes that no group of EKS's starts have to be let in by name."""
    runs_karpenter: bool
    """Karpenter starts machines of pools: with rights, and a queue that tells it which of them go."""
    pulls_through: bool
    """Nodes may have the registry fetch images that it mirrors."""
    node_repair: bool
    kept: KeptPlan
    """Logs and metrics that AWS keeps."""
    decisions: tuple[Decision, ...]
