"""Makeup of the nodes with accelerators on Azure: what, changed, rolls or replaces them.

Source: pulumi-azure-native 3.29.0 for what it replaces by itself; AKS for what it refuses to change, which
providers/azure/nodes/build.py has replaced.
"""

from typing import Any

from components.node_changes import PoolMakeup
from providers.azure.nodes.binding import capacity_word
from providers.azure.plan import AzurePlan
from providers.azure.types import AzureNodePoolPlan, AzureReserved, EntraAccess


def made_of(plan: AzurePlan) -> dict[str, PoolMakeup]:
    """The makeup of each pool with accelerators, by name. Labels and tags change in place."""
    return {
        pool.name: PoolMakeup(
            nodes=pool.node_count, machine_type=pool.machine.name, rolls=_rolls(plan),
            replaces=_common(plan) | _replaces(pool),
        )
        for pool in plan.node_pools
        if pool.machine.accelerator is not None
    }  # fmt: skip


def _common(plan: AzurePlan) -> dict[str, Any]:
    """Settings that cluster and network cannot change in place, so that another cluster takes the place of this one."""
    control, network = plan.control_plane, plan.network
    there = network.existing
    where = f"{there.id}/{there.nodes}" if there else f"{network.cidr} {network.nodes.cidr}"
    return {
        "subscription": plan.subscription,
        "region": plan.region,
        "network": f"{where} {network.pods_cidr} {network.services_cidr} {network.outbound}",
        "controlPlane": f"AKS {control.name}",
    }


def _rolls(plan: AzurePlan) -> dict[str, Any]:
    """An upgrade goes from node to node; so does a change of the channel of node images."""
    control = plan.control_plane
    access = "entra" if isinstance(control.access, EntraAccess) else "certificate"
    return {
        "kubernetesVersion": control.version,
        "nodeImages": "renewed" if control.window else "kept",
        "access": access,
    }


def _replaces(pool: AzureNodePoolPlan) -> dict[str, Any]:
    return {
        "machineType": pool.machine.name,
        "zone": pool.zone or "Azure's choice",
        "capacity": pool.capacity.group if isinstance(pool.capacity, AzureReserved) else capacity_word(pool.capacity),
        "driver": pool.driver.value if pool.driver else "none",
        "rootDiskGib": f"{pool.disk_gib} {'on the machine' if pool.ephemeral else 'Premium SSD'}",
        "placement": pool.placement_group or "none",
        "maxPods": pool.max_pods,
        "taints": " ".join(f"{taint.key}={taint.value}:{taint.effect.value}" for taint in pool.taints),
    }
