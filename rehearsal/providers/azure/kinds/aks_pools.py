"""AKS: node pools, each a scale set, and what a change does to them."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import ArmType, at, location_of
from rehearsal.providers.azure.kinds.aks import identity_of, refuse_in_network, turn
from rehearsal.providers.azure.kinds.network import ranges_of, subnet_of
from rehearsal.providers.azure.lasting import FIXED, UNCHANGING
from rehearsal.providers.azure.legality import problems
from rehearsal.providers.azure.machines import machine
from rehearsal.providers.azure.names import CLUSTER, NETWORK_CONTRIBUTOR, POOL
from rehearsal.providers.azure.roles import lacking
from rehearsal.providers.azure.sizes import most_count, surge
from rehearsal.providers.azure.words import already_exists

# Minutes until nodes are Ready: of processors, of GPUs with AKS' own driver, of a scale set with InfiniBand; until a
# pool is gone (acceptance tests of azurerm: 750 to 1100 s; ND as users see it).
CPU_MIN, GPU_MIN, INFINIBAND_MIN, EMPTY_MIN, GONE_MIN = 6.0, 9.0, 16.0, 2.0, 6.0
OWN_ADDRESSES = 5
"""Of each subnet Azure keeps five addresses (Azure Virtual Network, FAQ)."""


def cluster_of(api: CloudApi, inputs: Inputs) -> Outputs:
    """The pool's cluster; empty where it is not known yet."""
    named = inputs.get("resourceName")
    return (None if is_unknown(named) else api.find(CLUSTER, str(named))) or {}


def _refuse(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    cluster = cluster_of(api, inputs)
    place = str(cluster.get("location") or location_of(api, inputs))
    inline = [one.get("name") for one in cluster.get("agentPoolProfiles") or ()]
    if inputs.get("agentPoolName") in inline:
        yield already_exists(POOL, f"{cluster.get('id')}/agentPools/{inputs['agentPoolName']}")
    yield from problems(inputs, cluster, place)
    yield from refuse_in_network(api, cluster, inputs)
    own, subnet = identity_of(cluster), inputs.get("vnetSubnetID")
    if own and subnet:
        action = "Microsoft.Network/virtualNetworks/subnets/join/action"
        yield from lacking(api, own, str(subnet), (NETWORK_CONTRIBUTOR,), action)
    group = inputs.get("capacityReservationGroupID")
    if own and group:
        action = "Microsoft.Compute/capacityReservationGroups/deploy/action"
        yield from lacking(api, own, str(group), (), action)
    yield from _room(api, cluster, inputs)


def _room(api: CloudApi, cluster: Outputs, inputs: Inputs) -> Iterator[CloudApiError]:
    """Addresses of the subnet for all nodes that may stand in it, and for those of an upgrade."""
    subnet = inputs.get("vnetSubnetID")
    found = subnet_of(api, subnet) if subnet and not is_unknown(subnet) else None
    if found is None:
        return
    there = sum(IPv4Network(text).num_addresses for text in ranges_of(found) if ":" not in text) - OWN_ADDRESSES
    overlay = at(cluster, "networkProfile.networkPluginMode") == "overlay"
    name = inputs.get("agentPoolName")
    others = [one for one in api.listed(POOL) if one.get("vnetSubnetID") == subnet and one.get("name") != name]
    inline = [one for one in cluster.get("agentPoolProfiles") or () if one.get("vnetSubnetID") == subnet]
    needed = sum(_addresses(one, overlay=overlay) for one in (inputs, *others, *inline))
    if needed > there:
        message = f"Pre-allocated IPs {needed} exceeds IPs available {there} in Subnet Cidr {ranges_of(found)[0]},"
        yield CloudApiError("InsufficientSubnetSize", f"{message} Subnet Name {str(subnet).rpartition('/')[2]}.")


def _addresses(pool: Mapping[str, Any], *, overlay: bool) -> int:
    nodes = most_count(pool) + surge(pool)
    return nodes if overlay else nodes * (1 + int(pool.get("maxPods") or 30))


def _outputs(api: CloudApi, inputs: Inputs, id: str) -> dict[str, Any]:  # noqa: A002 (the engine's own word)
    """As AKS tells of it: with everything that it fills in by itself."""
    cluster, there = cluster_of(api, inputs), api.find(POOL, id) or {}
    found = machine(str(inputs.get("vmSize")))
    overlay = at(cluster, "networkProfile.networkPluginMode") == "overlay"
    version = (
        inputs.get("orchestratorVersion")
        or there.get("currentOrchestratorVersion")
        or cluster.get("currentKubernetesVersion", "")
    )
    filled = {
        "osDiskSizeGB": 128, "osDiskType": "Ephemeral" if found and found.temp_gib >= 128 else "Managed",
        "maxPods": 250 if overlay else 30, "osSKU": "Ubuntu", "osType": "Linux", "mode": "User",
        "scaleDownMode": "Delete", "kubeletDiskType": "OS", "enableFIPS": False, "count": 1,
        "upgradeSettings": {"maxSurge": "10%", "maxUnavailable": "0"},
        "orchestratorVersion": version,
    }  # fmt: skip
    told = {name: inputs[name] if inputs.get(name) is not None else value for name, value in filled.items()}
    return {
        **told, "currentOrchestratorVersion": version, "eTag": "", "powerState": {"code": "Running"},
        "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202611.10.0", **_spot(inputs),
    }  # fmt: skip


def _spot(inputs: Inputs) -> dict[str, Any]:
    """Label and taint that AKS adds (AKS, spot-node-pool)."""
    if inputs.get("scaleSetPriority") != "Spot":
        return {}
    key, taints = "kubernetes.azure.com/scalesetpriority", list(inputs.get("nodeTaints") or ())
    own = f"{key}=spot:NoSchedule"
    return {
        "nodeLabels": {**(inputs.get("nodeLabels") or {}), key: "spot"},
        "nodeTaints": taints if own in taints else [*taints, own],
    }


def _ready_min(inputs: Inputs) -> float:
    found = machine(str(inputs.get("vmSize")))
    if not most_count(inputs) or not inputs.get("count"):
        return EMPTY_MIN
    if found and found.infiniband:
        return INFINIBAND_MIN
    return GPU_MIN if found and found.chips else CPU_MIN


TYPES = (
    ArmType(
        token=POOL, namespace="Microsoft.ContainerService", path="managedClusters/agentPools",
        own_name="agentPoolName", longest_name=12, parents=(("resourceName", CLUSTER),), fixed=FIXED,
        unchanging=UNCHANGING, refuse=_refuse, outputs=_outputs, ready_min=_ready_min,
        gone_min=lambda inputs: GONE_MIN if inputs.get("count") else EMPTY_MIN, turn=turn,
    ),
)  # fmt: skip
