"""AWS as a cloud: EKS with EFA, or Slurm, or Batch, on a network of its own, with Lustre beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.aws.catalog import catalog
from providers.aws.plan import AwsPlan, plan
from providers.aws.preflight import preflight

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "plan", "preflight"]


def build(name: str, plan: AwsPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """Network, control plane, node pools and storage, in the order in which they need each other."""
    from providers.aws.cluster import build_cluster

    return build_cluster(name, plan, opts)
