"""AWS as a cloud: EKS with EFA, or Slurm, or Batch, on a network of its own, with Lustre beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.provider import as_described as discover
from providers.aws.catalog import catalog
from providers.aws.plan import AwsPlan, plan
from providers.aws.preflight import preflight
from providers.aws.settings import AwsSpec

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = AwsSpec
"""The form of `penstock:aws` in a stack file."""


def build(name: str, plan: AwsPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """Network, control plane, node pools and storage, in the order in which they need each other."""
    from providers.aws.cluster import build_cluster

    return build_cluster(name, plan, opts)
