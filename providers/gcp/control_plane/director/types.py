"""Slurm by Cluster Director, decided: what one resource of its API is told."""

from dataclasses import dataclass
from typing import Literal

from components.plan.part import Decision
from providers.gcp.types import GcpNodePoolPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSetPlan:
    """A pool as Cluster Director runs it: a compute resource, and a node set on it of the same name."""

    name: str
    """Of both, with a digest of all in them that the API never changes: another machine type, capacity, zone or disk is
    another compute resource and another node set (Cluster Director API v1: `Immutable`)."""
    pool: GcpNodePoolPlan
    static: int
    """Nodes that always run."""
    dynamic: int
    """Further ones, which start with a job and end when idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorPartition:
    """A queue, which Slurm calls a partition. Its name stays when its node set is another."""

    name: str
    node_sets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """A store of the stack's as every node and login node mounts it."""

    name: str
    kind: Literal["filestore", "lustre", "bucket"]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorPlan:
    """A Slurm cluster: a controller that Google keeps out of sight, login nodes, node sets and partitions."""

    name: str
    """Of the cluster: the stack's without its dashes."""
    project: str
    region: str
    zone: str
    """Of everything in it."""
    login: GcpNodePoolPlan
    """Machines that jobs are submitted from; they run none."""
    node_sets: tuple[NodeSetPlan, ...]
    partitions: tuple[DirectorPartition, ...]
    """The first is the default."""
    stores: tuple[StorePlan, ...]
    decisions: tuple[Decision, ...]
