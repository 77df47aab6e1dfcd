"""Node pools as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pulumi
from pulumi_azure_native import compute, containerservice

from providers.azure.aks_handle import AksHandle
from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.types import AzureNodePoolPlan, AzureOnDemand, AzureReserved, AzureSpot, DriverSource

FIXED = (
    "availabilityZones", "capacityReservationGroupID", "enableEncryptionAtHost", "enableFIPS", "enableUltraSSD",
    "gpuProfile", "kubeletConfig", "kubeletDiskType", "linuxOSConfig", "maxPods", "osDiskSizeGB", "osDiskType", "osSKU",
    "osType", "podSubnetID", "proximityPlacementGroupID", "scaleSetEvictionPolicy", "scaleSetPriority", "spotMaxPrice",
    "type", "vnetSubnetID",
)  # fmt: skip
"""Inputs that AKS never changes and that the provider would send all the same, to be told so after minutes
(pulumi-azure-native 959, 577; AKS, `PropertyChangeNotAllowed`). It makes a pool anew for `vmSize` by itself."""
_DRAIN_MINUTES = 60


def patience(pool: AzureNodePoolPlan) -> pulumi.CustomTimeouts:
    """Machines with InfiniBand take half an hour to come; an upgrade goes from node to node."""
    nodes = max(pool.node_count, 1)
    slow = 90 if pool.machine.infiniband else 45
    return pulumi.CustomTimeouts(create=f"{slow}m", update=f"{max(60, 30 * nodes)}m", delete="60m")


class AksPool(pulumi.ComponentResource):
    """One pool of the stack file: one scale set."""

    pool: containerservice.AgentPool

    def __init__(  # noqa: PLR0913 (what surrounds a pool)
        self, name: str, *, plan: AzureNodePoolPlan, cluster: AksHandle, network: AzureNetworkHandle, version: str,
        region: str, tags: Mapping[str, str], sized_later: bool = False, opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`sized_later`: made without nodes, which the acceptance gate asks for."""
        super().__init__("penstock:azure:NodePool", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = _placement_group(name, plan, cluster, region, dict(tags), child)
        scaled = plan.min_count != plan.max_count
        waits = pulumi.ResourceOptions(
            depends_on=[*cluster.ready], delete_before_replace=True, replace_on_changes=list(FIXED),
            ignore_changes=["count"] if scaled or sized_later else None, custom_timeouts=patience(plan),
        )  # fmt: skip
        self.pool = _agent_pool(
            name, plan, cluster, network, version=version, tags=dict(tags), group=group, sized_later=sized_later,
            opts=pulumi.ResourceOptions.merge(child, waits),
        )  # fmt: skip
        self.register_outputs({"pool": self.pool.name})


def is_sized_later(plan: AzureNodePoolPlan) -> bool:
    """True for machines at list or spot price: of them a shortage costs the pool alone. What is reserved is asked for
    with its nodes and never given back by the gate.
    """
    return isinstance(plan.capacity, AzureOnDemand | AzureSpot)


def _agent_pool(  # noqa: PLR0913 (what surrounds a pool)
    name: str, plan: AzureNodePoolPlan, cluster: AksHandle, network: AzureNetworkHandle, *, version: str,
    tags: dict[str, str], group: pulumi.Input[str] | None, sized_later: bool, opts: pulumi.ResourceOptions,
) -> containerservice.AgentPool:  # fmt: skip
    """Its kind and mode are always said: left out it would be single machines without a fabric or zones."""
    scaled, spot = plan.min_count != plan.max_count, isinstance(plan.capacity, AzureSpot)
    return containerservice.AgentPool(
        name,
        agent_pool_name=plan.name,
        resource_name_=cluster.name,
        resource_group_name=cluster.group,
        mode="User",
        type="VirtualMachineScaleSets",
        orchestrator_version=version,
        vm_size=plan.machine.name,
        os_type="Linux",
        os_sku="Ubuntu",
        os_disk_type="Ephemeral" if plan.ephemeral else "Managed",
        os_disk_size_gb=plan.disk_gib,
        max_pods=plan.max_pods,
        vnet_subnet_id=network.nodes,
        availability_zones=[plan.zone] if plan.zone else None,
        count=_first_count(plan, sized_later=sized_later),
        enable_auto_scaling=scaled,
        min_count=plan.min_count if scaled else None,
        max_count=plan.max_count if scaled else None,
        scale_down_mode="Delete",
        node_labels=dict(plan.labels),
        node_taints=[f"{taint.key}={taint.value}:{taint.effect.value}" for taint in plan.taints] or None,
        gpu_profile=_gpu_profile(plan),
        scale_set_priority="Spot" if spot else "Regular",
        scale_set_eviction_policy="Delete" if spot else None,
        spot_max_price=-1.0 if spot else None,
        capacity_reservation_group_id=plan.capacity.group if isinstance(plan.capacity, AzureReserved) else None,
        proximity_placement_group_id=group,
        upgrade_settings=_upgrade(plan),
        tags=tags,
        opts=opts,
    )


def _first_count(plan: AzureNodePoolPlan, *, sized_later: bool) -> int:
    """Always said: an update without it is refused. A pool with a range begins at its least where the gate sizes it."""
    if sized_later:
        return plan.min_count if plan.min_count != plan.max_count else 0
    return plan.node_count


def _gpu_profile(plan: AzureNodePoolPlan) -> containerservice.GPUProfileArgs | None:
    if plan.driver is None:
        return None
    driver: Literal["Install", "None"] = "Install" if plan.driver is DriverSource.AKS else "None"
    return containerservice.GPUProfileArgs(driver=driver)


def _upgrade(plan: AzureNodePoolPlan) -> containerservice.AgentPoolUpgradeSettingsArgs | None:
    """One node less where another one is nowhere to be had; a node that its pods do not leave is set aside. Spot pools
    take no such settings ("Spot pools can't set max surge", hashicorp/terraform-provider-azurerm 19355).
    """
    if isinstance(plan.capacity, AzureSpot):
        return None
    return containerservice.AgentPoolUpgradeSettingsArgs(
        max_surge=str(plan.surge),
        max_unavailable=None if plan.surge else "1",
        drain_timeout_in_minutes=_DRAIN_MINUTES,
        undrainable_node_behavior="Cordon",
    )


def _placement_group(
    name: str, plan: AzureNodePoolPlan, cluster: AksHandle, region: str, tags: dict[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Input[str] | None:  # fmt: skip
    """Id of a proximity placement group: the pool's own, or the one that the stack file names."""
    if not plan.placement_group or plan.placement_group.startswith("/"):
        return plan.placement_group or None
    made = compute.ProximityPlacementGroup(
        f"{name}-close",
        proximity_placement_group_name=f"{plan.name}-close",
        resource_group_name=cluster.group,
        location=region,
        zones=[plan.zone] if plan.zone else None,
        tags=tags,
        opts=opts,
    )
    return made.id
