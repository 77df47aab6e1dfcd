"""A small cluster, as a user's own program would make it: what its stack file changes is what the tests change."""

import pulumi
import pulumi_gcp as gcp

PROJECT, REGION, ZONE = "tiny-project", "us-central1", "us-central1-a"
config = pulumi.Config()
provider = gcp.Provider("gcp", project=PROJECT, region=REGION, default_labels={"stack": pulumi.get_stack()})
own = pulumi.ResourceOptions(provider=provider)

apis = [
    gcp.projects.Service(name, service=f"{name}.googleapis.com", disable_on_destroy=False, opts=own)
    for name in (config.get("apis") or "").split()
]
network = gcp.compute.Network(
    "net",
    name="net",
    auto_create_subnetworks=False,
    mtu=config.get_int("mtu") or 8896,
    opts=pulumi.ResourceOptions(provider=provider, depends_on=apis),
)
subnet = gcp.compute.Subnetwork(
    "nodes",
    name="nodes",
    network=config.get("network") or network.id,
    ip_cidr_range="10.0.0.0/20",
    private_ip_google_access=True,
    secondary_ip_ranges=[
        gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name="pods", ip_cidr_range="10.4.0.0/14"),
        gcp.compute.SubnetworkSecondaryIpRangeArgs(range_name="services", ip_cidr_range="10.1.0.0/20"),
    ],
    opts=own,
)
router = gcp.compute.Router("out", name="out", network=network.id, opts=own)
gcp.compute.RouterNat(
    "out",
    name="out",
    router=router.name,
    nat_ip_allocate_option="AUTO_ONLY",
    source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
    opts=own,
)
account = gcp.serviceaccount.Account("nodes", account_id="tiny-nodes", display_name="Nodes", opts=own)
rights = [
    gcp.projects.IAMMember(
        role.partition(".")[2], project=PROJECT, role=f"roles/{role}", member=account.member, opts=own
    )
    for role in ("logging.logWriter", "monitoring.metricWriter")
]
cluster = gcp.container.Cluster(
    "tiny",
    name="tiny",
    location=REGION,
    node_locations=[ZONE],
    network=network.id,
    subnetwork=subnet.id,
    initial_node_count=1,
    remove_default_node_pool=True,
    networking_mode="VPC_NATIVE",
    datapath_provider="ADVANCED_DATAPATH",
    enable_multi_networking=True,
    enable_shielded_nodes=True,
    deletion_protection=config.get_bool("protected") or False,
    ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(
        cluster_secondary_range_name="pods", services_secondary_range_name="services"
    ),
    private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(enable_private_nodes=True),
    control_plane_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigArgs(
        dns_endpoint_config=gcp.container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
            allow_external_traffic=True
        ),
        ip_endpoints_config=gcp.container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=False),
    ),
    workload_identity_config=gcp.container.ClusterWorkloadIdentityConfigArgs(workload_pool=f"{PROJECT}.svc.id.goog"),
    release_channel=gcp.container.ClusterReleaseChannelArgs(channel=config.get("channel") or "REGULAR"),
    dns_config=gcp.container.ClusterDnsConfigArgs(cluster_dns="CLOUD_DNS", cluster_dns_scope="CLUSTER_SCOPE"),
    gateway_api_config=gcp.container.ClusterGatewayApiConfigArgs(channel="CHANNEL_DISABLED"),
    logging_config=gcp.container.ClusterLoggingConfigArgs(enable_components=["SYSTEM_COMPONENTS"]),
    monitoring_config=gcp.container.ClusterMonitoringConfigArgs(
        enable_components=["SYSTEM_COMPONENTS", "DCGM"],
        managed_prometheus=gcp.container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
    ),
    resource_labels={"penstock-stack": "tiny"},
    opts=pulumi.ResourceOptions(
        provider=provider,
        ignore_changes=["nodeConfig", "initialNodeCount", "minMasterVersion"],
        delete_before_replace=True,
        depends_on=rights,
    ),
)
system = gcp.container.NodePool(
    "system",
    name="system",
    cluster=cluster.name,
    location=REGION,
    node_locations=[ZONE],
    node_count=2,
    node_config=gcp.container.NodePoolNodeConfigArgs(
        machine_type="e2-standard-4",
        disk_type="pd-balanced",
        disk_size_gb=100,
        service_account=account.email,
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(enable_secure_boot=True),
    ),
    management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
    upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(max_surge=1, max_unavailable=0),
    opts=own,
)
train = gcp.container.NodePool(
    "train",
    name="train",
    cluster=cluster.name,
    location=REGION,
    node_locations=[ZONE],
    node_count=config.get_int("nodes") or 2,
    max_pods_per_node=32,
    node_config=gcp.container.NodePoolNodeConfigArgs(
        machine_type="g2-standard-48",
        disk_type=config.get("disk") or "pd-balanced",
        disk_size_gb=200,
        spot=True,
        service_account=account.email,
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        guest_accelerators=[
            gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
                type="nvidia-l4",
                count=config.get_int("gpus") or 4,
                gpu_driver_installation_config=(
                    gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                        gpu_driver_version=config.get("driver") or "LATEST"
                    )
                ),
            )
        ],
        reservation_affinity=gcp.container.NodePoolNodeConfigReservationAffinityArgs(
            consume_reservation_type="NO_RESERVATION"
        ),
        taints=[gcp.container.NodePoolNodeConfigTaintArgs(key="nvidia.com/gpu", value="present", effect="NO_SCHEDULE")],
        labels={"pool": config.get("label") or "train"},
        workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        gvnic=gcp.container.NodePoolNodeConfigGvnicArgs(enabled=True),
    ),
    management=gcp.container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
    upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(max_surge=0, max_unavailable=1),
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[system], delete_before_replace=True),
)
pulumi.export("cluster", cluster.name)
pulumi.export("endpoint", cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint)
