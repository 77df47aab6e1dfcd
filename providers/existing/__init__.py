"""Any Kubernetes that is there already, by its kubeconfig: penstock adds what is missing and takes over nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.existing.catalog import catalog
from providers.existing.plan import ExistingPlan, plan
from providers.existing.preflight import preflight
from providers.existing.settings import ExistingSpec

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle
    from components.spec.stack import StackSpec

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = ExistingSpec
"""The form of `penstock:existing` in a stack file."""


def discover(spec: StackSpec) -> StackSpec:
    """The spec with what its cluster shows of itself."""
    from providers.existing.discovery import discovered

    return discovered(spec)


def build(name: str, plan: ExistingPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The way to the cluster, and its volume as pods mount it. Nothing of what is there is changed."""
    from providers.existing.cluster import build_cluster

    return build_cluster(name, plan, opts)
