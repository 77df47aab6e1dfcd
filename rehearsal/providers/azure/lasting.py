"""Fields of AKS that a cluster or a pool keeps for life, and the time until a right counts."""

FIXED_NETWORK = ("networkPlugin", "networkPluginMode", "networkMode", "networkPolicy", "networkDataplane", "podCidr",
                 "podCidrs", "serviceCidr", "serviceCidrs", "dnsServiceIP", "outboundType", "ipFamilies")  # fmt: skip
"""pulumi/pulumi-azure-native 4756 and 4771 (2026-07-16): a change of these replaces the cluster."""
UNCHANGING = (
    "osDiskType", "osDiskSizeGB", "maxPods", "vnetSubnetID", "podSubnetID", "availabilityZones", "gpuProfile.driver",
    "kubeletConfig", "linuxOSConfig", "kubeletDiskType", "scaleSetPriority", "scaleSetEvictionPolicy", "spotMaxPrice",
    "proximityPlacementGroupID", "capacityReservationGroupID", "hostGroupID", "enableEncryptionAtHost",
    "enableUltraSSD", "enableNodePublicIP", "nodePublicIPPrefixID", "osType", "osSKU", "workloadRuntime",
)  # fmt: skip
"""hashicorp/terraform-provider-azurerm v6.39 (2026-07-14), its list of what rotates a pool; pulumi-azure-native 959."""
FIXED = frozenset({"vmSize", "gpuInstanceProfile"})
"""pulumi-azure-native 4756 and 4771; nodePublicIPTags lies in networkProfile."""
SPREAD_MIN = 2.0
"""Minutes until a role counts: one to ten are usual (AKS, user-assigned-managed-identity)."""
