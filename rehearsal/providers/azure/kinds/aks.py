"""AKS: clusters, their networks and identities."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, ip_address
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import ArmType, at, group_id, location_of
from rehearsal.providers.azure.kinds.network import ranges_of, subnet_of
from rehearsal.providers.azure.lasting import FIXED_NETWORK
from rehearsal.providers.azure.legality import minor, problems
from rehearsal.providers.azure.machines import machine
from rehearsal.providers.azure.names import (
    CLUSTER,
    IDENTITY,
    IDENTITY_OPERATOR,
    MAINTENANCE,
    NETWORK,
    NETWORK_CONTRIBUTOR,
    ZONE_CONTRIBUTOR,
    parent,
)
from rehearsal.providers.azure.roles import lacking
from rehearsal.providers.azure.words import TENANT, guid

CLUSTER_MIN, CLUSTER_GONE_MIN = 12.0, 8.0
"""10 to 20 minutes, as users see them."""
VERSION = "1.35.4"
"""The version that a cluster without one gets; the last number is made up."""
RESERVED = tuple(map(IPv4Network, ("169.254.0.0/16", "192.0.2.0/24", "172.30.0.0/16", "172.31.0.0/16")))
"""Azure/AKS changelog, 2026; AKS, concepts-network-cni-overview."""
INFINIBAND_RANGE = IPv4Network("172.16.0.0/16")  # azure-compute-docs, setup-infiniband, 2026-09-25
SERVER_DELEGATION = "Microsoft.ContainerService/managedClusters"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
OWN_NAT, MANAGED_NAT = "userAssignedNATGateway", "managedNATGateway"


def turn(inputs: Inputs) -> str:
    """The cluster that takes one operation at a time: of its own inputs, and of those of its pools."""
    return f"cluster {inputs.get('resourceName')}"


def _refuse(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    yield from _words(inputs)
    yield from _network(api, inputs)
    yield from _ranges(api, inputs)
    yield from _access(inputs)
    yield from _identities(api, inputs)
    pools = [one for one in inputs.get("agentPoolProfiles") or () if not is_unknown(one)]
    if not any(one.get("mode") == "System" for one in pools):
        yield CloudApiError("InvalidParameter", "Must define at least one agent pool of mode System.")
    version = {"currentKubernetesVersion": inputs.get("kubernetesVersion") or VERSION}
    for one in pools:
        yield from problems(one, version, location_of(api, inputs))


def _words(inputs: Inputs) -> Iterator[CloudApiError]:
    if not inputs.get("dnsPrefix") and not inputs.get("fqdnSubdomain"):
        yield CloudApiError("InvalidParameter", "Required parameter dnsPrefix is missing (null).")
    name, group = inputs.get("resourceName"), inputs.get("resourceGroupName")
    if not is_unknown(name) and not is_unknown(group) and len(_node_group(inputs)) > 80:
        message = f"The node resource group {_node_group(inputs)} has more than 80 characters: set nodeResourceGroup."
        yield CloudApiError("InvalidNodeResourceGroupName", message)
    identity = (inputs.get("identity") or {}).get("type")
    if identity is None and not inputs.get("servicePrincipalProfile"):
        yield CloudApiError("InvalidParameter", "Either identity or servicePrincipalProfile must be given.")
    version = inputs.get("kubernetesVersion")
    known = minor(version)
    if version is not None and known is not None and not 33 <= known <= 36:  # Azure/AKS release calendar, 2026-11
        message = f"Managed cluster is on version {version}, which is only available for Long-Term Support (LTS)."
        yield CloudApiError("K8sVersionNotSupported", message)


def _network(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    given, pools = inputs.get("networkProfile") or {}, inputs.get("agentPoolProfiles") or ()
    subnets = [one.get("vnetSubnetID") for one in pools if one.get("vnetSubnetID")]
    outbound = given.get("outboundType", "loadBalancer")
    if outbound == MANAGED_NAT and subnets:  # AKS, nat-gateway
        message = "managedNATGateway is not supported with a custom virtual network: use userAssignedNATGateway."
        yield CloudApiError("InvalidParameter", message)
    for text in subnets if outbound == OWN_NAT else ():
        found = None if is_unknown(text) else subnet_of(api, text)
        if found is not None and not (found.get("natGateway") or {}).get("id"):
            message = f"The subnet {text} has no NAT gateway, as outboundType {OWN_NAT} needs."
            yield CloudApiError("SubnetMissingNatGateway", message)
    policy, plane = given.get("networkPolicy"), given.get("networkDataplane", "azure")
    if policy == "cilium" and plane != "cilium":  # AKS, azure-cni-powered-by-cilium
        yield CloudApiError("BadRequest", "Network policy cilium requires network dataplane cilium.")
    if plane == "cilium" and policy not in (None, "cilium"):
        yield CloudApiError("BadRequest", f"Cilium dataplane requires network policy cilium, not {policy}.")
    overlay = given.get("networkPluginMode") == "overlay"
    if plane == "cilium" and not overlay and not any(one.get("podSubnetID") for one in pools):
        yield CloudApiError("BadRequest", "Cilium dataplane requires Azure CNI Overlay or a subnet of pods.")
    if overlay and given.get("networkPlugin", "azure") != "azure":
        yield CloudApiError("BadRequest", "Network plugin mode overlay requires network plugin azure.")
    advanced = given.get("advancedNetworking")
    if advanced is not None and advanced.get("enabled") is None:  # pulumi-azure-native 4206
        yield CloudApiError("InvalidParameter", "Required parameter advancedNetworking.enabled is missing (null).")
    yield from _server_subnet(api, inputs, [str(one) for one in subnets if not is_unknown(one)])


def _server_subnet(api: CloudApi, inputs: Inputs, nodes: list[str]) -> Iterator[CloudApiError]:
    """AKS, api-server-vnet-integration."""
    profile = inputs.get("apiServerAccessProfile") or {}
    text = profile.get("subnetId")
    if not text or is_unknown(text):
        if profile.get("enableVnetIntegration") and nodes and not text:
            message = "apiServerAccessProfile.subnetId is required for VNet integration in a custom virtual network."
            yield CloudApiError("InvalidParameter", message)
        return
    if text in nodes:
        yield CloudApiError("ApiServerSubnetInUse", f"Nodes use the subnet {text}: the API server needs its own.")
    found = subnet_of(api, text)
    if found is None:
        return
    delegated = [one.get("serviceName") for one in found.get("delegations") or ()]
    if SERVER_DELEGATION not in delegated:
        message = f"The subnet {text} must be delegated to {SERVER_DELEGATION}."
        yield CloudApiError("ApiServerSubnetNotDelegated", message)
    if any(IPv4Network(one).prefixlen > 28 for one in ranges_of(found)):
        yield CloudApiError("ApiServerSubnetTooSmall", f"The subnet {text} must be of /28 at least.")
    network = api.find(NETWORK, parent(text)) or {}
    if (network.get("encryption") or {}).get("enabled"):
        message = "API server VNet integration is not supported in a virtual network with encryption."
        yield CloudApiError("BadRequest", message)


def _ranges(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    given, pools = inputs.get("networkProfile") or {}, inputs.get("agentPoolProfiles") or ()
    own = {name: given.get(name) for name in ("podCidr", "serviceCidr")}
    known = {name: IPv4Network(text) for name, text in own.items() if text and not is_unknown(text)}
    around = _networks_of(api, pools)
    taken = RESERVED
    if any(_has_infiniband(one) for one in pools):
        taken = (*RESERVED, INFINIBAND_RANGE)
    for name, one in [*known.items(), *(("virtual network", one) for one in around)]:
        for other in taken:
            if one.overlaps(other):
                yield CloudApiError("InvalidCIDR", f"The {name} {one} overlaps with {other}, which is reserved.")
    yield from _overlaps(known, around)
    resolver = given.get("dnsServiceIP")
    if resolver and "serviceCidr" in known and not is_unknown(resolver):
        range_ = known["serviceCidr"]
        if ip_address(resolver) not in range_ or ip_address(resolver) == range_[1]:
            message = f"dnsServiceIP {resolver} must lie within serviceCidr {range_}, and not be its first address."
            yield CloudApiError("InvalidDnsServiceIP", message)


def _overlaps(known: Mapping[str, IPv4Network], around: list[IPv4Network]) -> Iterator[CloudApiError]:
    for name, one in known.items():
        for network in around:
            if one.overlaps(network):
                code = "ServiceCidrOverlapExistingSubnetsCidr" if name == "serviceCidr" else "PodCidrOverlap"
                yield CloudApiError(code, f"The specified {name} {one} conflicts with the virtual network's {network}.")
    if len(known) == 2 and known["podCidr"].overlaps(known["serviceCidr"]):
        yield CloudApiError("PodCidrOverlap", "The specified podCidr and serviceCidr overlap.")


def _has_infiniband(pool: Mapping[str, Any]) -> bool:
    found = machine(str(pool.get("vmSize")))
    return bool(found and found.infiniband)


def _networks_of(api: CloudApi, pools: Any) -> list[IPv4Network]:
    """Ranges of the virtual networks that the pools stand in."""
    ids = {parent(one["vnetSubnetID"]) for one in pools if one.get("vnetSubnetID")}
    found = (api.find(NETWORK, one) for one in sorted(ids) if not is_unknown(one))
    texts = [text for one in found if one for text in (one.get("addressSpace") or {}).get("addressPrefixes") or ()]
    return [IPv4Network(one) for one in texts if ":" not in one]


def refuse_in_network(api: CloudApi, cluster: Outputs, pool: Inputs) -> Iterator[CloudApiError]:
    """A pool with InfiniBand in a network that covers the range which its fabric has for itself."""
    if not _has_infiniband(pool):
        return
    given = cluster.get("networkProfile") or {}
    texts = [given.get(name) for name in ("podCidr", "serviceCidr")]
    ranges = [IPv4Network(one) for one in texts if one and not is_unknown(one)]
    for one in (*ranges, *_networks_of(api, [pool])):
        if one.overlaps(INFINIBAND_RANGE):
            yield CloudApiError("InvalidCIDR", f"{one} overlaps with {INFINIBAND_RANGE}, which InfiniBand has.")


def _access(inputs: Inputs) -> Iterator[CloudApiError]:
    profile = inputs.get("apiServerAccessProfile") or {}
    if profile.get("enablePrivateCluster") and profile.get("authorizedIPRanges"):
        message = "Authorized IP ranges are not supported for private clusters."
        yield CloudApiError("InvalidParameter", message)
    if len(profile.get("authorizedIPRanges") or ()) > 200:
        yield CloudApiError("InvalidParameter", "authorizedIPRanges has 200 ranges at most.")
    entra = inputs.get("aadProfile")
    if inputs.get("disableLocalAccounts") and not entra:
        yield CloudApiError("BadRequest", "disableLocalAccounts requires Microsoft Entra integration (aadProfile).")
    workload = at(inputs, "securityProfile.workloadIdentity.enabled")
    if workload and not at(inputs, "oidcIssuerProfile.enabled"):
        yield CloudApiError("InvalidParameter", "Workload identity requires the OIDC issuer to be enabled.")


def _identities(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """Rights that ARM gives nobody by itself (AKS, use-managed-identity, concepts-network-cni-overview)."""
    given = inputs.get("identity") or {}
    own = _only(given.get("userAssignedIdentities"))
    if given.get("type") == "UserAssigned" and not own:
        yield CloudApiError("InvalidParameter", "identity of type UserAssigned names no identity.")
    kubelet = at(inputs, "identityProfile.kubeletidentity.resourceId")
    if kubelet and not own:
        message = "A custom kubelet identity requires a user assigned identity of the control plane."
        yield CloudApiError("CustomKubeletIdentityOnlySupportedOnUserAssignedMSICluster", message)
    if not own or is_unknown(own):
        return
    if kubelet and not is_unknown(kubelet):
        action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
        for error in lacking(api, own, str(kubelet), (IDENTITY_OPERATOR,), action):
            yield CloudApiError("CustomKubeletIdentityMissingPermissionError", error.message)
    pools = inputs.get("agentPoolProfiles") or ()
    subnets = {one.get(name) for one in pools for name in ("vnetSubnetID", "podSubnetID")}
    for subnet in sorted(str(one) for one in (*subnets, at(inputs, "apiServerAccessProfile.subnetId")) if one):
        yield from lacking(api, own, subnet, (NETWORK_CONTRIBUTOR,), JOIN)
    zone = at(inputs, "apiServerAccessProfile.privateDNSZone")
    if zone and str(zone).startswith("/"):
        action = "Microsoft.Network/privateDnsZones/join/action"
        yield from lacking(api, own, str(zone), (ZONE_CONTRIBUTOR,), action)


def _only(given: Any) -> str | None:
    """The id of the one identity: a list of ids, or a mapping of them."""
    names = list(given or ())
    return names[0] if names else None


def identity_of(cluster: Outputs) -> str | None:
    return _only((cluster.get("identity") or {}).get("userAssignedIdentities"))


def _change(_api: CloudApi, old: Outputs, new: Inputs) -> Iterator[CloudApiError]:
    before, after = minor(old.get("currentKubernetesVersion")), minor(new.get("kubernetesVersion"))
    if before is not None and after is not None and after < before:
        message = f"Downgrading from version {old['currentKubernetesVersion']} is not allowed."
        yield CloudApiError("OperationNotAllowed", message)
    elif before is not None and after is not None and after > before + 1:
        message = f"Upgrading Kubernetes version {old['currentKubernetesVersion']} to {new['kubernetesVersion']} is not"
        yield CloudApiError("AgentPoolUpgradeVersionNotAllowed", f"{message} allowed: one minor version at a time.")
    yield from _change_of_pools(old, new)
    for path in ("apiServerAccessProfile.enableVnetIntegration", "apiServerAccessProfile.enablePrivateCluster"):
        if at(old, path) and not at(new, path):
            yield CloudApiError("PropertyChangeNotAllowed", f"Changing property 'properties.{path}' is not allowed.")


def _change_of_pools(old: Outputs, new: Inputs) -> Iterator[CloudApiError]:
    """pulumi-azure-native 2719: a pool is added as an AgentPool of its own; one that is left out stays and runs on."""
    names = {one.get("name") for one in old.get("agentPoolProfiles") or ()}
    added = [one.get("name") for one in new.get("agentPoolProfiles") or () if one.get("name") not in names]
    if added:
        yield CloudApiError(
            "OperationNotAllowed",
            "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed "
            f"cluster operations. For agent pool specific change, please use per agent pool operations: {added[0]}",
        )


def _node_group(inputs: Inputs) -> str:
    own = f"MC_{inputs.get('resourceGroupName')}_{inputs.get('resourceName')}_{inputs.get('location') or ''}"
    return str(inputs.get("nodeResourceGroup") or own.rstrip("_"))


def _outputs(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002 (the engine's own word)
    private = at(inputs, "apiServerAccessProfile.enablePrivateCluster")
    prefix = inputs.get("dnsPrefix") or inputs.get("fqdnSubdomain")
    host = f"{prefix}-{guid(id)[:8]}.hcp.{location_of(api, inputs)}.azmk8s.io"
    given = inputs.get("networkProfile") or {}
    there = api.find(CLUSTER, id) or {}
    version = str(inputs.get("kubernetesVersion") or there.get("currentKubernetesVersion") or VERSION)
    return {
        "authority": there.get("authority") or api.authority,
        "fqdn": host, "azurePortalFQDN": host, "currentKubernetesVersion": version,
        "privateFQDN": f"{prefix}-{guid(id)[:8]}.privatelink.{location_of(api, inputs)}.azmk8s.io" if private else "",
        "kubernetesVersion": version, "maxAgentPools": 100, "powerState": {"code": "Running"},
        "nodeResourceGroup": _node_group(inputs),
        "identity": _told_identity(api, inputs, id), "identityProfile": _kubelet(api, inputs, id),
        "oidcIssuerProfile": {
            **(inputs.get("oidcIssuerProfile") or {}), "issuerURL":
            f"https://{location_of(api, inputs)}.oic.prod-aks.azure.com/{TENANT}/{guid(id)}/",
        },
        "networkProfile": {"outboundType": "loadBalancer", "networkPolicy": "none", "dnsServiceIP": "10.0.0.10",
                           "serviceCidr": "10.0.0.0/16", "loadBalancerSku": "standard", **given},
        "sku": {"name": "Base", "tier": "Free", **(inputs.get("sku") or {})},
        "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage", **(inputs.get("autoUpgradeProfile") or {})},
    }  # fmt: skip


def _told_identity(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002
    given = dict(inputs.get("identity") or {})
    if own := _only(given.get("userAssignedIdentities")):
        found = api.find(IDENTITY, own) or {}
        about = {"clientId": found.get("clientId"), "principalId": found.get("principalId")}
        return {**given, "userAssignedIdentities": {own: about}}
    if given.get("userAssignedIdentities"):
        return {**given, "userAssignedIdentities": {}}  # of a preview, which knows none of them yet
    return {**given, "principalId": guid(f"principal {id}"), "tenantId": TENANT}


def _kubelet(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002 (the engine's own word)
    given = at(inputs, "identityProfile.kubeletidentity.resourceId")
    own = given or f"{group_id(api, {'resourceGroupName': _node_group(inputs)})}/agentpool"
    found = (api.find(IDENTITY, str(own)) if given else None) or {}
    return {
        "kubeletidentity": {
            "resourceId": own, "clientId": found.get("clientId") or guid(f"client kubelet {id}"),
            "objectId": found.get("principalId") or guid(f"principal kubelet {id}"),
        }
    }  # fmt: skip


def _delete(api: CloudApi, _id: str, outputs: Outputs) -> None:
    """With the cluster goes the group of its nodes, and all that was made in there."""
    api.cascade(f"/subscriptions/{api.account_id}/resourceGroups/{outputs.get('nodeResourceGroup')}/")


def _replaces(old: Inputs, new: Inputs) -> bool:
    paths = (*(f"networkProfile.{name}" for name in FIXED_NETWORK), "linuxProfile", "windowsProfile")
    return any(at(old, path) != at(new, path) for path in paths)


def _refuse_window(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """AKS, planned-maintenance: names that mean something, and four hours at least of those with a schedule."""
    name, window = inputs.get("configName"), inputs.get("maintenanceWindow") or {}
    if name not in ("default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"):
        message = f"Maintenance configuration {name} is not one of default, aksManagedAutoUpgradeSchedule and"
        yield CloudApiError("InvalidParameter", f"{message} aksManagedNodeOSUpgradeSchedule.")
    hours = window.get("durationHours")
    if window and not is_unknown(hours) and not 4 <= int(hours or 0) <= 24:
        yield CloudApiError("InvalidParameter", f"maintenanceWindow.durationHours {hours} is not from 4 to 24.")
    if window and len([one for one in (window.get("schedule") or {}).values() if one]) != 1:
        yield CloudApiError("InvalidParameter", "maintenanceWindow.schedule has exactly one of its kinds.")


_C = "Microsoft.ContainerService"
TYPES = (
    ArmType(
        token=CLUSTER, namespace=_C, path="managedClusters", own_name="resourceName", longest_name=63,
        fixed=frozenset({"dnsPrefix", "fqdnSubdomain", "nodeResourceGroup", "diskEncryptionSetID"}),
        replaces=_replaces, refuse=_refuse, refuse_change=_change, refuse_delete=_delete, outputs=_outputs,
        ready_min=CLUSTER_MIN, gone_min=CLUSTER_GONE_MIN, turn=turn,
    ),
    ArmType(
        token=MAINTENANCE, namespace=_C, path="managedClusters/maintenanceConfigurations", own_name="configName",
        parents=(("resourceName", CLUSTER),), refuse=_refuse_window, turn=turn,
    ),
)  # fmt: skip
