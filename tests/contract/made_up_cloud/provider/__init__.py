"""The made-up cloud: a network, a managed Kubernetes, and pools of machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.provider import as_described as discover
from tests.contract.made_up_cloud.provider.catalog import catalog
from tests.contract.made_up_cloud.provider.plan import MadeUpPlan, plan
from tests.contract.made_up_cloud.provider.preflight import preflight
from tests.contract.made_up_cloud.provider.settings import MadeUpSpec

if TYPE_CHECKING:
    import pulumi

    from components.provider import ClusterHandle

__all__ = ["build", "catalog", "discover", "plan", "preflight", "settings"]

settings = MadeUpSpec
"""The form of `penstock:madeup` in a stack file."""


def build(name: str, plan: MadeUpPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The plan as resources of the engine. Only here is an SDK imported."""
    from tests.contract.made_up_cloud.provider.cluster import build_cluster

    return build_cluster(name, plan, opts)
