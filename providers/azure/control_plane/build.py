"""The AKS control plane as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_azure_native import containerservice

from providers.azure.aks_handle import AksHandle, IdentityHandle
from providers.azure.control_plane.kubeconfig import endpoint_of, kubeconfig
from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.types import (
    AksPlan,
    AzureNetworkPlan,
    AzureNodePoolPlan,
    EntraAccess,
    PublicAksReach,
    UpgradeWindow,
)

_PATIENCE = pulumi.CustomTimeouts(create="45m", update="60m", delete="45m")
_WINDOW = "aksManagedNodeOSUpgradeSchedule"
"""Name of the configuration that node images go by; no other is read for them."""


class Aks(pulumi.ComponentResource):
    """A cluster with its system pool, which it cannot be without, and when its node images are renewed."""

    handle: AksHandle

    def __init__(  # noqa: PLR0913 (what surrounds a cluster)
        self, name: str, *, plan: AksPlan, ranges: AzureNetworkPlan, network: AzureNetworkHandle,
        identity: IdentityHandle, tags: Mapping[str, str], after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`after`: what the cluster waits for, and what outlives it."""
        super().__init__("penstock:azure:Aks", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        waits = pulumi.ResourceOptions(
            depends_on=[*network.ready, *identity.ready, *after], delete_before_replace=True, custom_timeouts=_PATIENCE
        )
        cluster = _cluster(
            name, plan, ranges, network, identity, tags=dict(tags), opts=pulumi.ResourceOptions.merge(child, waits)
        )  # fmt: skip
        window = _window(name, plan.window, cluster, identity, child) if plan.window else None
        self.handle = AksHandle(
            name=cluster.name,
            id=cluster.id,
            group=identity.group,
            endpoint=endpoint_of(plan, cluster),
            kubeconfig=kubeconfig(plan, cluster, identity.group),
            ready=(cluster, *([window] if window else [])),
        )
        self.register_outputs({"cluster": cluster.name})


def _cluster(  # noqa: PLR0913 (what surrounds a cluster)
    name: str, plan: AksPlan, ranges: AzureNetworkPlan, network: AzureNetworkHandle, identity: IdentityHandle,
    *, tags: dict[str, str], opts: pulumi.ResourceOptions,
) -> containerservice.ManagedCluster:  # fmt: skip
    """Every default that AKS would choose is said: it moves some of them from one version to the next."""
    entra = plan.access if isinstance(plan.access, EntraAccess) else None
    return containerservice.ManagedCluster(
        name,
        resource_name_=plan.name,
        resource_group_name=identity.group,
        node_resource_group=plan.nodes_group,
        location=plan.region,
        dns_prefix=plan.name,
        kubernetes_version=plan.version,
        enable_rbac=True,
        sku=containerservice.ManagedClusterSKUArgs(name="Base", tier=plan.tier),
        support_plan="AKSLongTermSupport" if plan.tier == "Premium" else "KubernetesOfficial",
        identity=containerservice.ManagedClusterIdentityArgs(
            type=containerservice.ResourceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[identity.control_plane],
        ),
        identity_profile={
            "kubeletidentity": containerservice.UserAssignedIdentityArgs(
                resource_id=identity.nodes,
                client_id=identity.nodes_client,
                object_id=identity.nodes_principal,
            )
        },
        aad_profile=containerservice.ManagedClusterAADProfileArgs(
            managed=True, admin_group_object_ids=list(entra.groups), tenant_id=plan.tenant
        )
        if entra
        else None,
        disable_local_accounts=entra is not None,
        api_server_access_profile=_access(plan, network),
        network_profile=_network(ranges),
        agent_pool_profiles=[_system(plan.system_pool, network)],
        auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
            upgrade_channel="none", node_os_upgrade_channel="NodeImage" if plan.window else "None"
        ),
        auto_scaler_profile=_scaling(),
        oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
        security_profile=containerservice.ManagedClusterSecurityProfileArgs(
            workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True)
        ),
        storage_profile=_drivers(plan),
        node_provisioning_profile=containerservice.ManagedClusterNodeProvisioningProfileArgs(mode="Manual"),
        tags=tags,
        opts=opts,
    )


def _drivers(plan: AksPlan) -> containerservice.ManagedClusterStorageProfileArgs:
    """Storage drivers of AKS's own, beside which a second of the kind breaks both."""
    args = containerservice
    return args.ManagedClusterStorageProfileArgs(
        disk_csi_driver=args.ManagedClusterStorageProfileDiskCSIDriverArgs(enabled=True),
        file_csi_driver=args.ManagedClusterStorageProfileFileCSIDriverArgs(enabled=False),
        snapshot_controller=args.ManagedClusterStorageProfileSnapshotControllerArgs(enabled=True),
        blob_csi_driver=args.ManagedClusterStorageProfileBlobCSIDriverArgs(enabled=plan.blob_driver),
    )


def _access(plan: AksPlan, network: AzureNetworkHandle) -> containerservice.ManagedClusterAPIServerAccessProfileArgs:
    """In the network, where nodes reach it: so that the ranges are of people and programs outside alone."""
    public = isinstance(plan.reach, PublicAksReach)
    return containerservice.ManagedClusterAPIServerAccessProfileArgs(
        enable_vnet_integration=True,
        subnet_id=network.api_server,
        enable_private_cluster=not public,
        enable_private_cluster_public_fqdn=None if public else False,
        authorized_ip_ranges=list(plan.reach.cidrs) if isinstance(plan.reach, PublicAksReach) else None,
        disable_run_command=True,
    )


def _network(plan: AzureNetworkPlan) -> containerservice.ContainerServiceNetworkProfileArgs:
    """Cilium enforces network policies; most of this is for life."""
    services = plan.services_cidr
    base, _, _ = services.partition("/")
    return containerservice.ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        network_dataplane="cilium",
        network_policy="cilium",
        load_balancer_sku="standard",
        outbound_type=plan.outbound,
        pod_cidr=plan.pods_cidr,
        service_cidr=services,
        dns_service_ip=f"{base.rpartition('.')[0]}.10",
    )


def _system(
    pool: AzureNodePoolPlan, network: AzureNetworkHandle
) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The one pool that is part of the cluster's own request, and never changed by it: a change would take every pool
    of the cluster with it.
    """
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name=pool.name,
        mode="System",
        type="VirtualMachineScaleSets",
        count=pool.node_count,
        vm_size=pool.machine.name,
        os_type="Linux",
        os_sku="Ubuntu",
        os_disk_type="Ephemeral",
        os_disk_size_gb=pool.disk_gib,
        max_pods=pool.max_pods,
        vnet_subnet_id=network.nodes,
        availability_zones=[pool.zone] if pool.zone else None,
        node_labels=dict(pool.labels),
        upgrade_settings=containerservice.AgentPoolUpgradeSettingsArgs(max_surge=str(pool.surge)),
    )


def _scaling() -> containerservice.ManagedClusterPropertiesAutoScalerProfileArgs:
    """Of the whole cluster: half an hour for a node whose drivers are still loading, and no node taken from a pod that
    keeps files on it.
    """
    return containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
        max_node_provision_time="30m", skip_nodes_with_local_storage="true", expander="least-waste"
    )


def _window(
    name: str, window: UpgradeWindow, cluster: containerservice.ManagedCluster, identity: IdentityHandle,
    opts: pulumi.ResourceOptions,
) -> containerservice.MaintenanceConfiguration:  # fmt: skip
    return containerservice.MaintenanceConfiguration(
        f"{name}-node-images",
        config_name=_WINDOW,
        resource_name_=cluster.name,
        resource_group_name=identity.group,
        maintenance_window={
            "duration_hours": window.hours,
            "start_time": f"{window.start_hour:02d}:00",
            "utc_offset": "+00:00",
            "schedule": {"weekly": {"day_of_week": window.day.capitalize(), "interval_weeks": 1}},
        },
        opts=opts,
    )
