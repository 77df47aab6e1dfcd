"""Azure as a cloud: AKS with GPUs and InfiniBand, on a network of its own or a given one, with file systems beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.provider import as_described as discover
from providers.azure.catalog import catalog
from providers.azure.plan import AzurePlan, plan
from providers.azure.preflight import preflight
from providers.azure.settings import AzureSpec

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = AzureSpec
"""The form of `penstock:azure` in a stack file."""


def build(name: str, plan: AzurePlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """Identities, network, control plane, node pools and storage, in the order in which they need each other."""
    from providers.azure.cluster import build_cluster

    return build_cluster(name, plan, opts)
