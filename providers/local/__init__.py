"""The machine one sits at, as a cloud: its cores and accelerators are a node pool, its disk is the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.provider import as_described as discover
from providers.local.catalog import catalog
from providers.local.plan import plan
from providers.local.preflight import preflight

if TYPE_CHECKING:
    import pulumi

    from components.plan.cluster import ClusterPlan
    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = None
"""This machine has no key of its own in a stack file."""


def build(name: str, plan: ClusterPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The volume, and a runner that starts processes on this machine."""
    from providers.local.cluster import build_machine

    return build_machine(name, plan, opts)
