"""Node pools as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import compute, container

from providers.gcp.gke_handle import GkeHandle
from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.tpu import Placement
from providers.gcp.types import (
    Capacity,
    GcpCalendar,
    GcpFlex,
    GcpNetworkPlan,
    GcpNodePoolPlan,
    GcpOnDemand,
    GcpReserved,
    GcpSpot,
    GkeGroup,
)

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
"""The account's roles alone decide."""
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
_OF_GKE = ("initialNodeCount",)
"""Set when a pool is made, and told otherwise as it grows."""


def patience(pool: GcpNodePoolPlan) -> pulumi.CustomTimeouts:
    """The provider repeats every refusal for want of machines until its patience ends, and then waits as long again: so
    it is short where machines come at once, as a shortage is then told (magic-modules, node_pool.go).
    """
    nodes = max(pool.node_count, 1)
    slow = 45 if pool.slice is not None or pool.workload_policy else 30
    return pulumi.CustomTimeouts(create=f"{slow}m", update=f"{max(60, 10 * nodes)}m", delete="60m")


class GkePool(pulumi.ComponentResource):
    """One pool of the stack file: a node pool of GKE, or one for each slice or NVLink domain, and its policy."""

    pools: Mapping[str, container.NodePool]
    """By the group's name."""

    def __init__(  # noqa: PLR0913 (what surrounds a pool)
        self, name: str, *, plan: GcpNodePoolPlan, cluster: GkeHandle, network: GcpNetworkHandle,
        fabrics: GcpNetworkPlan, marks: Mapping[str, str], sized_later: bool = False,
        with_lustre: bool = False, opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`sized_later`: made without nodes, which the acceptance gate asks for. `with_lustre`: its pods may mount
        Managed Lustre.
        """
        super().__init__("penstock:gcp:NodePool", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        policy = _workload_policy(name, plan, cluster, child)
        made: dict[str, container.NodePool] = {}
        # GKE changes one pool of a cluster at a time and refuses a second until then.
        for group in plan.groups:
            before = [*cluster.ready, *made.values(), *([policy] if policy else [])]
            after = pulumi.ResourceOptions(
                depends_on=before, delete_before_replace=True, custom_timeouts=patience(plan),
                ignore_changes=list(_OF_GKE),
            )  # fmt: skip
            own = name if group.name == plan.name else f"{name}-{group.name.rpartition('-')[2]}"
            made[group.name] = _node_pool(
                own, plan, group, cluster, network, fabrics, policy=policy, sized_later=sized_later, marks=marks,
                with_lustre=with_lustre, opts=pulumi.ResourceOptions.merge(child, after),
            )  # fmt: skip
        self.pools = made
        self.register_outputs({"pools": list(made)})


def is_sized_later(plan: GcpNodePoolPlan) -> bool:
    """True for machines that come one by one at list or spot price: of them a shortage costs the pool alone. What is
    reserved, and what comes as a whole, is asked for with its nodes and never given back by the gate.
    """
    whole = plan.slice is not None or bool(plan.workload_policy)
    return isinstance(plan.capacity, GcpOnDemand | GcpSpot) and not whole


def _node_pool(  # noqa: PLR0913 (what surrounds a pool)
    name: str, plan: GcpNodePoolPlan, group: GkeGroup, cluster: GkeHandle, network: GcpNetworkHandle,
    fabrics: GcpNetworkPlan, *, policy: compute.ResourcePolicy | None, sized_later: bool, marks: Mapping[str, str],
    with_lustre: bool, opts: pulumi.ResourceOptions,
) -> container.NodePool:  # fmt: skip
    scaling = _autoscaling(plan, group)
    fixed = None if scaling or sized_later else group.nodes
    args = container.NodePoolArgs(
        name=group.name,
        cluster=cluster.name,
        location=cluster.location,
        node_locations=[plan.zone],
        initial_node_count=_first_nodes(plan, group, sized_later=sized_later) if fixed is None else None,
        node_count=fixed,
        autoscaling=scaling,
        max_pods_per_node=plan.max_pods,
        management=container.NodePoolManagementArgs(
            auto_repair=not isinstance(plan.capacity, GcpFlex), auto_upgrade=True
        ),
        maintenance_policies=_maintenance(plan),
        upgrade_settings=_upgrade(plan),
        queued_provisioning=container.NodePoolQueuedProvisioningArgs(enabled=True) if _is_queued(plan) else None,
        placement_policy=_placement(plan, policy),
        network_config=_network(plan, network, fabrics),
        node_config=_node_config(plan, cluster, marks, with_lustre=with_lustre),
    )
    return container.NodePool(name, args, opts)


def _first_nodes(plan: GcpNodePoolPlan, group: GkeGroup, *, sized_later: bool) -> int:
    """Nodes that a pool with a range is made with: those of the plan where nobody asks for them later, as GKE's
    autoscaler keeps to the least but does not bring a pool up to it (kubernetes/autoscaler, FAQ: "My cluster is below
    minimum"). Machines that are queued or waited for come with jobs.
    """
    return 0 if sized_later or isinstance(plan.capacity, GcpFlex) else group.nodes


def _node_config(
    plan: GcpNodePoolPlan, cluster: GkeHandle, marks: Mapping[str, str], *, with_lustre: bool
) -> container.NodePoolNodeConfigArgs:  # fmt: skip
    """The stack's own labels stand on the machines too: they change without a node that is made anew. GKE's drivers are
    signed, so that nodes with accelerators boot securely as well (cluster-toolkit 1047080, gke-node-pool)."""
    args = container
    return args.NodePoolNodeConfigArgs(
        machine_type=plan.machine.name,
        image_type="COS_CONTAINERD",
        disk_type=plan.boot_disk,
        disk_size_gb=plan.boot_disk_gib,
        service_account=cluster.node_account,
        oauth_scopes=_SCOPES,
        labels=dict(plan.labels),
        resource_labels=dict(marks),
        taints=[
            args.NodePoolNodeConfigTaintArgs(key=taint.key, value=taint.value, effect=_EFFECTS[str(taint.effect)])
            for taint in plan.taints
        ],
        guest_accelerators=_accelerators(plan),
        spot=True if isinstance(plan.capacity, GcpSpot) else None,
        flex_start=True if isinstance(plan.capacity, GcpFlex) and not plan.capacity.queued else None,
        max_run_duration=_longest_run(plan.capacity),
        reservation_affinity=_reservation(plan.capacity),
        host_maintenance_policy=args.NodePoolNodeConfigHostMaintenancePolicyArgs(maintenance_interval=plan.maintenance)
        if plan.maintenance
        else None,
        ephemeral_storage_local_ssd_config=_local_disks(plan),
        linux_node_config=_signed_modules() if with_lustre and not plan.driver else None,
        gvnic=args.NodePoolNodeConfigGvnicArgs(enabled=True),
        workload_metadata_config=args.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        shielded_instance_config=args.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
    )  # fmt: skip


def _signed_modules() -> container.NodePoolNodeConfigLinuxNodeConfigArgs:
    """Lustre's client is a module of Google's that the image of nodes without GPUs keeps out else, as it boots securely
    (Managed Lustre, "Connect from GKE", limitations; GKE, "Configure secure kernel module loading", from 1.34.1 on).
    """
    policy = container.NodePoolNodeConfigLinuxNodeConfigNodeKernelModuleLoadingArgs(policy="ENFORCE_SIGNED_MODULES")
    return container.NodePoolNodeConfigLinuxNodeConfigArgs(node_kernel_module_loading=policy)


def _is_queued(plan: GcpNodePoolPlan) -> bool:
    return isinstance(plan.capacity, GcpFlex) and plan.capacity.queued


def _longest_run(capacity: Capacity) -> str | None:
    """Of each machine; where machines are queued for it is the request's to say (cluster-toolkit, gke-node-pool)."""
    return f"{capacity.max_run_s}s" if isinstance(capacity, GcpFlex) and not capacity.queued else None


def _accelerators(plan: GcpNodePoolPlan) -> list[container.NodePoolNodeConfigGuestAcceleratorArgs] | None:
    """GKE's own driver, or none of it: nothing between the two has ever worked (NVIDIA/aicr 2047)."""
    if not plan.driver:
        return None
    driver = container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(gpu_driver_version=plan.driver)
    return [
        container.NodePoolNodeConfigGuestAcceleratorArgs(
            type=plan.machine.gke_accelerator, count=plan.machine.accelerator_count,
            gpu_driver_installation_config=driver,
        )
    ]  # fmt: skip


def _local_disks(plan: GcpNodePoolPlan) -> container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs | None:
    if not plan.machine.local_ssds:
        return None
    return container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(local_ssd_count=plan.machine.local_ssds)


def _reservation(capacity: Capacity) -> container.NodePoolNodeConfigReservationAffinityArgs:
    """Always said: left out it is any, which spot and flex start refuse, and which takes others' reservations."""
    if isinstance(capacity, GcpReserved | GcpCalendar):
        return container.NodePoolNodeConfigReservationAffinityArgs(
            consume_reservation_type="SPECIFIC_RESERVATION",
            key="compute.googleapis.com/reservation-name",
            values=[capacity.path],
        )
    return container.NodePoolNodeConfigReservationAffinityArgs(consume_reservation_type="NO_RESERVATION")


def _autoscaling(plan: GcpNodePoolPlan, group: GkeGroup) -> container.NodePoolAutoscalingArgs | None:
    """By zone, of which a pool has one; of a slice all nodes or none."""
    if isinstance(plan.capacity, GcpFlex):
        return container.NodePoolAutoscalingArgs(min_node_count=0, max_node_count=group.most, location_policy="ANY")
    if group.least == group.most:
        return None
    return container.NodePoolAutoscalingArgs(
        min_node_count=group.least, max_node_count=group.most, location_policy="ANY"
    )


def _upgrade(plan: GcpNodePoolPlan) -> container.NodePoolUpgradeSettingsArgs | None:
    """One node after the other: a machine with accelerators beside the others is nowhere to be had. GKE has a strategy
    of its own for flex start."""
    if isinstance(plan.capacity, GcpFlex):
        return None
    surge = plan.machine.accelerator is None
    return container.NodePoolUpgradeSettingsArgs(
        strategy="SURGE", max_surge=1 if surge else 0, max_unavailable=0 if surge else 1
    )


def _maintenance(plan: GcpNodePoolPlan) -> list[container.NodePoolMaintenancePolicyArgs] | None:
    """Nodes with accelerators keep their version until its support ends; then, or in a roll of one's own, they move."""
    if plan.machine.accelerator is None:
        return None
    exclusion = container.NodePoolMaintenancePolicyExclusionUntilEndOfSupportArgs(enabled=True)
    return [container.NodePoolMaintenancePolicyArgs(exclusion_until_end_of_supports=[exclusion])]


def _placement(
    plan: GcpNodePoolPlan, policy: compute.ResourcePolicy | None
) -> container.NodePoolPlacementPolicyArgs | None:
    if policy is not None:
        return container.NodePoolPlacementPolicyArgs(type="COMPACT", policy_name=policy.name)
    if plan.slice is not None and plan.slice.placement is Placement.COMPACT:
        return container.NodePoolPlacementPolicyArgs(type="COMPACT", tpu_topology=plan.slice.topology)
    if plan.policy:
        return container.NodePoolPlacementPolicyArgs(type="COMPACT", policy_name=plan.policy)
    return container.NodePoolPlacementPolicyArgs(type="COMPACT") if plan.compact else None


def _network(
    plan: GcpNodePoolPlan, network: GcpNetworkHandle, fabrics: GcpNetworkPlan
) -> container.NodePoolNetworkConfigArgs:
    """Private nodes, with an interface in each network of the fabric, or with GKE's own of DRANET."""
    if plan.dranet:
        return container.NodePoolNetworkConfigArgs(enable_private_nodes=True, accelerator_network_profile="auto")
    found = [
        container.NodePoolNetworkConfigAdditionalNodeNetworkConfigArgs(
            network=network.fabric_networks[vpc.name], subnetwork=network.fabric_subnets.get(subnet.name, subnet.name)
        )
        for vpc in fabrics.fabrics
        for subnet in vpc.subnets
        if subnet.name in plan.networks
    ]  # fmt: skip
    return container.NodePoolNetworkConfigArgs(enable_private_nodes=True, additional_node_network_configs=found or None)


def _workload_policy(
    name: str, plan: GcpNodePoolPlan, cluster: GkeHandle, opts: pulumi.ResourceOptions
) -> compute.ResourcePolicy | None:
    topology = plan.workload_policy
    if plan.slice is not None and plan.slice.placement is Placement.WORKLOAD_POLICY:
        topology = plan.slice.topology
    if not topology:
        return None
    return compute.ResourcePolicy(
        name,
        name=name,
        region=cluster.location,
        workload_policy=compute.ResourcePolicyWorkloadPolicyArgs(
            type="HIGH_THROUGHPUT", accelerator_topology=topology
        ),
        opts=opts,
    )  # fmt: skip
