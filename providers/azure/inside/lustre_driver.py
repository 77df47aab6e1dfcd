"""The chart of the driver by which pods mount Azure Managed Lustre. Pure.

Source: kubernetes-sigs/azurelustre-csi-driver, charts/README.md and chart 0.6.0 (2026-08).
"""

from collections.abc import Sequence
from typing import Any

from components.plan.cluster import Taint
from components.plan.kubernetes import ReleasePlan
from components.spec.cluster import TaintEffect
from providers.azure.nodes.binding import SPOT
from providers.azure.types import AzureNodePoolPlan

NAMESPACE = "kube-system"
CHART = "oci://mcr.microsoft.com/microsoft.azuremanagedlustre/azurelustre-csi-driver"
VERSION = "0.6.0"
DRIVER = "azurelustre.csi.azure.com"


def lustre_driver(pools: Sequence[AzureNodePoolPlan]) -> ReleasePlan:
    """The release. A list of tolerations takes the place of the chart's own, so that it has all of the pools' taints,
    each by its key: AKS makes one without a key into that alone.
    """
    found = [_tolerated(taint) for taint in dict.fromkeys([SPOT, *(one for pool in pools for one in pool.taints)])]
    return ReleasePlan(
        chart=CHART, repository="", version=VERSION, values={"node": {"tolerations": found}}, timeout_s=900
    )


def _tolerated(taint: Taint) -> dict[str, Any]:
    value = {"operator": "Equal", "value": taint.value} if taint.value else {"operator": "Exists"}
    return {"key": taint.key, **value, "effect": TaintEffect(taint.effect).value}
