"""Makeup of the nodes with accelerators on GCP: what, changed, rolls or replaces them.

Source: magic-modules d577844 (2026-08), node_pool.go, node_config.go and cluster.go, which is the provider's own code:
fields that it marks as new replace the pool; those that it updates with the pool's upgrade strategy roll its nodes.
Of Cluster Director: API v1, whose description marks all of a compute resource and of a boot disk as immutable.
"""

from typing import Any

from components.node_changes import PoolMakeup
from providers.gcp.nodes.binding import capacity_word
from providers.gcp.plan import GcpPlan
from providers.gcp.types import GcpCalendar, GcpFlex, GcpNodePoolPlan, GcpReserved, GkePlan


def made_of(plan: GcpPlan) -> dict[str, PoolMakeup]:
    """The makeup of each pool with accelerators, by name. Its version is the channel's, and labels and taints change
    in place."""
    return {
        pool.name: PoolMakeup(
            nodes=pool.node_count, machine_type=pool.machine.name, rolls=_rolls(pool, plan),
            replaces=_common(plan) | (_replaces(pool) if isinstance(plan.control_plane, GkePlan) else _node_set(pool)),
        )
        for pool in plan.node_pools
        if pool.machine.accelerator is not None
    }  # fmt: skip


def _common(plan: GcpPlan) -> dict[str, Any]:
    """Settings that cluster and network cannot change in place."""
    control, network = plan.control_plane, plan.network
    there = network.existing
    ranges = f"{network.nodes.cidr} {network.pods_cidr} {network.services_cidr}"
    where = f"{there.project}/{there.network}/{there.subnet}" if there else ranges
    kind = "GKE" if isinstance(control, GkePlan) else "Cluster Director"
    return {
        "project": plan.project, "region": plan.region, "network": where, "controlPlane": f"{kind} {control.name}"
    }  # fmt: skip


def _rolls(pool: GcpNodePoolPlan, plan: GcpPlan) -> dict[str, Any]:
    """Nothing of Cluster Director's: the parts of a node set that its nodes are made of never change."""
    if not isinstance(plan.control_plane, GkePlan):
        return {}
    signed = plan.storage.file_system is not None and not pool.driver
    return {
        "machineType": pool.machine.name,
        "rootDiskGib": f"{pool.boot_disk_gib} {pool.boot_disk}",
        "kernelModules": "Google's" if signed else "the image's",
    }


def _node_set(pool: GcpNodePoolPlan) -> dict[str, Any]:
    """Another compute resource and another node set (Cluster Director API v1: `Immutable`)."""
    return {
        "zone": pool.zone,
        "capacity": _capacity(pool),
        "machineType": pool.machine.name,
        "rootDiskGib": f"{pool.boot_disk_gib} {pool.boot_disk}",
    }


def _replaces(pool: GcpNodePoolPlan) -> dict[str, Any]:
    return {
        "zone": pool.zone,
        "capacity": _capacity(pool),
        "driver": pool.driver or "none",
        "accelerators": _accelerators(pool),
        "localSsds": pool.machine.local_ssds,
        "placement": f"{'compact' if pool.compact else pool.policy or 'none'} {pool.workload_policy}".strip(),
        "topology": pool.slice.topology if pool.slice else "none",
        "interfaces": " ".join(pool.networks) or ("DRANET" if pool.dranet else "none"),
        "maxPods": pool.max_pods,
        **({"maintenance": pool.maintenance} if pool.maintenance else {}),
    }


def _accelerators(pool: GcpNodePoolPlan) -> str:
    """A machine type with another number of GPUs is another pool; TPUs are no field of their own."""
    return (
        "by machine type" if not pool.driver else f"{pool.machine.accelerator_count} x {pool.machine.gke_accelerator}"
    )


def _capacity(pool: GcpNodePoolPlan) -> str:
    match pool.capacity:
        case GcpReserved(path=path) | GcpCalendar(path=path):
            return path
        case GcpFlex(max_run_s=seconds):
            return f"{capacity_word(pool.capacity)}{'' if pool.capacity.queued else f' {seconds} s'}"
        case _:
            return capacity_word(pool.capacity)
