"""GCP as a cloud: GKE with GPUs and RoCE or with TPU slices, on a network of its own, with file systems beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.provider import as_described as discover
from providers.gcp.catalog import catalog
from providers.gcp.plan import GcpPlan, plan
from providers.gcp.preflight import preflight
from providers.gcp.settings import GcpSpec

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = GcpSpec
"""The form of `penstock:gcp` in a stack file."""


def build(name: str, plan: GcpPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """APIs, network, control plane, node pools and storage, in the order in which they need each other."""
    from providers.gcp.cluster import build_cluster

    return build_cluster(name, plan, opts)
