"""All that one stack file becomes, decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.plan.cluster import ClusterPlan
from components.plan.images import ImagePlan
from components.plan.kubernetes import InsidePlan
from components.plan.part import Decision
from components.plan.work import JobPlan, ServicePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """All that one stack file becomes."""

    stack: str
    cluster: ClusterPlan
    training: JobPlan | None
    inference: ServicePlan | None
    decisions: tuple[Decision, ...]
    """On the workloads; those on the cluster are its own."""
    warnings: tuple[str, ...]
    """Of every part, each once: network, nodes, control plane, storage, scheduler, platform, gate, job, service."""
    images: tuple[ImagePlan, ...] = ()
    """Images that its workloads, its gate and, behind `stack.registry` as a mirror, its add-ons pull."""
    job: tuple[Mapping[str, Any], ...] = ()
    """The training run as its scheduler takes it."""
    service: tuple[Mapping[str, Any], ...] = ()
    inside: InsidePlan | None = None
    """Everything that the stack puts on its Kubernetes; None where the cluster is none."""
