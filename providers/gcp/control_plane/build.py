"""The GKE control plane, and what a node needs to join it."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from providers.gcp.control_plane.kubeconfig import endpoint_of, kubeconfig
from providers.gcp.gke_handle import GkeHandle
from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.types import DnsGkeReach, GkePlan, InsideGkeReach, ReachPlan

NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")
"""Logs, metrics and what GKE's own daemons need; and images of the project's registry (GKE, "Use least privilege IAM
service accounts")."""
_INSIDE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Ranges that a private endpoint takes (terraform-google-kubernetes-engine 153: "is not a reserved network")."""
_GONE = ("nodeConfig", "initialNodeCount")
"""Of the pool that is thrown away, which GKE tells of otherwise ever after."""


class Gke(pulumi.ComponentResource):
    """A cluster without nodes of its own: the account of its nodes, and the cluster. The system pool comes next."""

    handle: GkeHandle

    def __init__(
        self, name: str, *, plan: GkePlan, network: GcpNetworkHandle, after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`after`: what the cluster waits for, and what outlives it."""
        super().__init__("penstock:gcp:Gke", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account, rights = _nodes_account(name, plan, child)
        waits = pulumi.ResourceOptions(
            depends_on=[*network.ready, *network.held, *after, account], delete_before_replace=True,
            ignore_changes=list(_GONE),
        )  # fmt: skip
        cluster = _cluster(name, plan, network, account, pulumi.ResourceOptions.merge(child, waits))
        self.handle = GkeHandle(
            name=cluster.name,
            id=cluster.id,
            location=plan.region,
            endpoint=endpoint_of(cluster, plan.reach),
            kubeconfig=kubeconfig(plan, cluster),
            node_account=account.email,
            ready=(cluster, *rights),
        )
        self.register_outputs({"cluster": cluster.name})


def _nodes_account(
    name: str, plan: GkePlan, opts: pulumi.ResourceOptions
) -> tuple[serviceaccount.Account, list[pulumi.Resource]]:
    account = serviceaccount.Account(
        f"{name}-nodes", account_id=plan.node_account, display_name=f"Nodes of {plan.name}", opts=opts
    )
    rights: list[pulumi.Resource] = [
        projects.IAMMember(
            f"{name}-nodes-{role.rpartition('.')[0].rpartition('/')[2]}",
            project=plan.project, role=role, member=account.member, opts=opts,
        )
        for role in NODE_ROLES
    ]  # fmt: skip
    return account, rights


def _cluster(
    name: str, plan: GkePlan, network: GcpNetworkHandle, account: serviceaccount.Account, opts: pulumi.ResourceOptions
) -> container.Cluster:
    """Private nodes of Dataplane V2, whose choices are for life: whether pods may have further networks, too."""
    ipv6 = "PRIVATE_IPV6_GOOGLE_ACCESS_DISABLED" if plan.private_ipv6_off else None
    return container.Cluster(
        name,
        name=plan.name,
        location=plan.region,
        node_locations=[plan.system_pool.zone],
        network=network.network,
        subnetwork=network.subnet,
        networking_mode="VPC_NATIVE",
        ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
            cluster_secondary_range_name=network.pods_range, services_secondary_range_name=network.services_range
        ),
        datapath_provider="ADVANCED_DATAPATH",
        enable_multi_networking=plan.multi_networking,
        private_ipv6_google_access=ipv6,
        private_cluster_config=container.ClusterPrivateClusterConfigArgs(
            enable_private_nodes=True, enable_private_endpoint=True if isinstance(plan.reach, InsideGkeReach) else None
        ),
        control_plane_endpoints_config=_endpoints(plan.reach),
        master_authorized_networks_config=_authorized(plan.reach),
        release_channel=container.ClusterReleaseChannelArgs(channel=plan.channel),
        min_master_version=plan.version,
        workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
            workload_pool=f"{plan.project}.svc.id.goog"
        ),
        enable_shielded_nodes=True,
        dns_config=container.ClusterDnsConfigArgs(cluster_dns="CLOUD_DNS", cluster_dns_scope="CLUSTER_SCOPE"),
        gateway_api_config=container.ClusterGatewayApiConfigArgs(channel="CHANNEL_DISABLED"),
        addons_config=_add_ons(plan),
        logging_config=container.ClusterLoggingConfigArgs(enable_components=["SYSTEM_COMPONENTS", "WORKLOADS"]),
        monitoring_config=container.ClusterMonitoringConfigArgs(
            enable_components=list(plan.components),
            managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=True),
        ),
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config=_thrown_away(account),
        deletion_protection=False,  # which a destroy could not lift, as it makes no update first
        opts=opts,
    )


def _thrown_away(account: serviceaccount.Account) -> container.ClusterNodeConfigArgs:
    """The pool that every cluster begins with, as small as it may be: by default it has 100 GB of fast disk a node, and
    boots as no organization with constraints/compute.requireShieldedVm allows."""
    return container.ClusterNodeConfigArgs(
        machine_type="e2-small", disk_type="pd-standard", disk_size_gb=30, service_account=account.email,
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
    )  # fmt: skip


def _endpoints(reach: ReachPlan) -> container.ClusterControlPlaneEndpointsConfigArgs:
    """The DNS name alone, or addresses alone: who is let in by the one is not seen by the other."""
    by_name = isinstance(reach, DnsGkeReach)
    return container.ClusterControlPlaneEndpointsConfigArgs(
        dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
            allow_external_traffic=by_name
        ),
        ip_endpoints_config=container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=not by_name),
    )


def _authorized(reach: ReachPlan) -> container.ClusterMasterAuthorizedNetworksConfigArgs | None:
    """Ranges that an address answers; none for a name. A private address takes private ranges alone, and has to have
    some (magic-modules 8338): all of them, as only who is inside has a way to it.
    """
    if isinstance(reach, DnsGkeReach):
        return None
    inside = isinstance(reach, InsideGkeReach)
    cidrs = _INSIDE if isinstance(reach, InsideGkeReach) else reach.cidrs
    block = container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs
    return container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[block(cidr_block=cidr) for cidr in cidrs],
        gcp_public_cidrs_access_enabled=None if inside else False,
    )


def _add_ons(plan: GkePlan) -> container.ClusterAddonsConfigArgs:
    def switched(name: str) -> bool:
        return name in plan.add_ons

    return container.ClusterAddonsConfigArgs(
        http_load_balancing=container.ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
        gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
            enabled=True
        ),
        gcs_fuse_csi_driver_config=container.ClusterAddonsConfigGcsFuseCsiDriverConfigArgs(
            enabled=switched("gcsfuse")
        ),
        gcp_filestore_csi_driver_config=container.ClusterAddonsConfigGcpFilestoreCsiDriverConfigArgs(
            enabled=switched("filestore")
        ),
        lustre_csi_driver_config=container.ClusterAddonsConfigLustreCsiDriverConfigArgs(enabled=True)
        if switched("lustre")
        else None,
    )  # fmt: skip
