"""Owners of what is done on a GKE cluster before anything is installed, and GKE's values for add-ons. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.kubernetes.ownership import OwnershipRow
from components.labels import OWN_LABELS
from components.plan.kubernetes import BalancerFacts, Concern, Manifest, Owner, Ownership
from providers.gcp.balancer.plan import annotations
from providers.gcp.tables import OWNERSHIP
from providers.gcp.types import GcpNetworkPlan, GcpNodePoolPlan, GkePlan

REFUSED = {
    "gpu-operator": "GKE installs driver and device plugin itself, and the operator installs no driver on "
    "Container-Optimized OS; remove it",
    "karpenter": "it starts machines beside cluster.nodePools, by NodePools that nobody writes here; remove it: pools "
    "with minCount below maxCount grow by GKE's autoscaler",
    "nvsentinel": "it reads the DCGM service of the gpu-operator, which is not here; remove it: GKE repairs nodes",
    "metrics-server": "GKE runs its own; remove it",
}
"""Add-ons that would do nothing on GKE, or break what GKE runs, each with the reason and a remedy."""

Rows = Mapping[Concern, OwnershipRow]


def owners(control: GkePlan, pools: Sequence[GcpNodePoolPlan]) -> Mapping[Concern, Ownership]:
    """By thing, who does it."""
    found: dict[Concern, Ownership] = {}
    for rows in _rows(control, pools):
        for concern, row in rows.items():
            found.setdefault(concern, row.owned(Owner.CLOUD))
    return found


def addon_values() -> Mapping[str, Mapping[str, Any]]:
    """By add-on, the values that GKE alone asks for: its DNS is none of the cluster's pods, so that nothing of it is
    scraped, and an alert on it would never rest.
    """
    return {"kube-prometheus-stack": {"coreDns": {"enabled": False}, "kubeDns": {"enabled": False}}}


def disks(stack: str) -> Manifest:
    """Default class of a cluster: disks that small machines attach, each in the zone of the pod that claims it, with
    the stack's label. Machines from A3 Ultra on and TPUs attach Hyperdisk alone, which `hyperdisks` is.
    """
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    return _disk_class("penstock-balanced", "pd-balanced", stack, annotations)


def hyperdisks(stack: str) -> Manifest:
    """Class for pods on machines that attach Hyperdisk alone."""
    return _disk_class("penstock-hyperdisk", "hyperdisk-balanced", stack, {})


def balancers(network: GcpNetworkPlan, control: GkePlan, group: str) -> BalancerFacts:
    """Load balancers that GKE itself makes of Services, without an add-on or a class of theirs; the group of endpoints
    that the stack's own service becomes is called `group`."""
    own = [network.nodes.cidr, network.pods_cidr, network.services_cidr]
    return BalancerFacts(
        addon="",
        service_class="",
        internal={"networking.gke.io/load-balancer-type": "Internal"},
        internet={"cloud.google.com/l4-rbs": "enabled"},
        network=tuple(filter(None, own)) or ("10.0.0.0/8",),
        group=annotations(group),
        group_selector=control.system_pool.binding.node_selector if group else {},
    )


def _disk_class(name: str, kind: str, stack: str, annotations: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "labels": dict(OWN_LABELS), "annotations": dict(annotations)},
        "provisioner": "pd.csi.storage.gke.io",
        "parameters": {"type": kind, "labels": f"penstock-stack={stack}"},
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _rows(control: GkePlan, pools: Sequence[GcpNodePoolPlan]) -> Iterator[Rows]:
    """Those of the file that are true here; the first to claim a thing has it."""
    if any(pool.driver for pool in pools):
        yield OWNERSHIP["driver"]["GKE"]
    if any(pool.slice for pool in pools):
        yield OWNERSHIP["driver"]["TPU"]
    yield OWNERSHIP["cluster"]["gke"]
    for name in control.add_ons:
        yield OWNERSHIP["add_on"].get(name, {})
