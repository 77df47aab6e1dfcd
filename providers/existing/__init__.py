"""Any Kubernetes that is there already, by its kubeconfig: penstock adds what is missing and takes over nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.existing.catalog import catalog
from providers.existing.looking import look
from providers.existing.plan import ExistingPlan, plan
from providers.existing.preflight import preflight

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "look", "plan", "preflight"]


def build(name: str, plan: ExistingPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The way to the cluster, and its volume as pods mount it. Nothing of what is there is changed."""
    from providers.existing.cluster import build_cluster

    return build_cluster(name, plan, opts)
