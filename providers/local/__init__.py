"""The machine one sits at, as a cloud: its cores and accelerators are a node pool, its disk is the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import Problem
from providers.local.catalog import catalog
from providers.local.plan import plan
from providers.local.preflight import preflight

if TYPE_CHECKING:
    import pulumi

    from components.plan.cluster import ClusterPlan
    from components.provider import ClusterHandle

__all__ = ["Problem", "build", "catalog", "plan", "preflight"]


def build(name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The volume, and a runner that starts processes on this machine."""
    from providers.local.runner import build_machine

    return build_machine(name, plan, opts)
