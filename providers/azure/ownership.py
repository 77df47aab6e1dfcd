"""Owners of what is done on an AKS cluster before anything is installed, and AKS's values for add-ons. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.kubernetes.ownership import OwnershipRow
from components.labels import OWN_LABELS
from components.plan.kubernetes import BalancerFacts, Concern, Manifest, Owner, Ownership
from providers.azure.tables import OWNERSHIP
from providers.azure.types import AzureNetworkPlan, AzureNodePoolPlan, AzureStoragePlan, DriverSource

REFUSED = {
    "metrics-server": "AKS runs its own; remove it",
}
"""Add-ons that AKS brings itself, beside those of a concern that it owns, each with the reason and a remedy."""

Rows = Mapping[Concern, OwnershipRow]
RUNTIME_CLASS = "nvidia-container-runtime"
"""Name of the runtime class on nodes whose image brings the driver (NVIDIA/aicr, aks-gpu-setup, 2026-08)."""
_CONTAINERD = "file=/etc/containerd/config.toml"
"""Read by the operator's toolkit in place of asking containerd: a drop-in file of a newer form than the image's own
ends that, and with it every node at once (NVIDIA/gpu-operator 2646, 2026-07)."""
IDLE_TIMEOUT = {"service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout": "30"}
"""Minutes; left out, a stream that is silent for four is cut (Azure Load Balancer, "TCP reset and idle timeout")."""


def owners(storage: AzureStoragePlan, pools: Sequence[AzureNodePoolPlan]) -> Mapping[Concern, Ownership]:
    """By thing, who does it."""
    found: dict[Concern, Ownership] = {}
    for rows in _rows(storage, pools):
        for concern, row in rows.items():
            found.setdefault(concern, row.owned(Owner.CLOUD))
    return found


def addon_values(driver: DriverSource) -> Mapping[str, Mapping[str, Any]]:
    """By add-on, the values that AKS alone asks for: of the two ways to a driver one, never parts of both."""
    if driver is DriverSource.AKS:
        return {"gpu-operator": {"operator": {"runtimeClass": RUNTIME_CLASS}}}
    environment = [{"name": "RUNTIME_CONFIG_SOURCE", "value": _CONTAINERD}]
    return {
        "gpu-operator": {
            "operator": {"runtimeClass": "nvidia"},
            "driver": {"rdma": {"useHostMofed": False}},
            "toolkit": {"env": environment},
        }
    }


def fast_disks() -> Manifest:
    """A class of quick disks beside AKS's own, whose `default` is slow and written back when it is changed."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "penstock-fast", "labels": dict(OWN_LABELS)},
        "provisioner": "disk.csi.azure.com",
        "parameters": {"skuName": "Premium_LRS", "cachingMode": "ReadOnly"},
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def balancers(network: AzureNetworkPlan) -> BalancerFacts:
    """Load balancers that AKS itself makes of Services, without an add-on or a class of theirs."""
    internal = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true", **IDLE_TIMEOUT}
    own = [network.cidr, network.pods_cidr, network.services_cidr]
    return BalancerFacts(
        addon="", service_class="", internal=internal, internet=dict(IDLE_TIMEOUT), network=tuple(filter(None, own))
    )


def _rows(storage: AzureStoragePlan, pools: Sequence[AzureNodePoolPlan]) -> Iterator[Rows]:
    """Those of the file that are true here; the first to claim a thing has it."""
    if any(pool.driver is DriverSource.AKS for pool in pools):
        yield OWNERSHIP["driver"]["aks"]
    yield OWNERSHIP["cluster"]["aks"]
    if storage.file_system is not None:
        yield OWNERSHIP["add_on"]["lustre"]
