"""Objects that a cluster of GKE has by itself, and the controller of its networks.

Source: GoogleCloudPlatform/gke-networking-api, apis/network/v1: kinds, their members and values.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.gcp.names import NETWORK, NODE_POOL, SUBNETWORK, last

GROUP = "networking.gke.io"
PARAMETERS, OF_PODS = "GKENetworkParamSet", "Network"
NETWORK_MIN = 0.2
_TEXT = {"type": "string"}
_SPECS: Mapping[str, Mapping[str, Any]] = {
    PARAMETERS: {
        "required": ["vpc", "vpcSubnet"],
        "properties": {
            "vpc": _TEXT, "vpcSubnet": _TEXT,
            "deviceMode": {"type": "string", "enum": ["DPDK-VFIO", "NetDevice", "RDMA"]},
            "podIPv4Ranges": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "networkAttachment": _TEXT,
        },
    },
    OF_PODS: {
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "enum": ["L2", "L3", "Device"]},
            "parametersRef": {
                "type": "object", "required": ["group", "kind", "name"],
                "properties": dict.fromkeys(("group", "kind", "name", "namespace"), _TEXT),
            },
        },
    },
}  # fmt: skip


def brought(cluster: Object) -> Iterator[Mapping[str, Any]]:
    """Definitions that are there from the beginning: of networks for pods, where the cluster has several."""
    if not cluster.inputs.get("enableMultiNetworking"):
        return
    for kind, spec in _SPECS.items():
        plural = f"{kind.lower()}s"
        status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schema = {"type": "object", "properties": {"spec": {"type": "object", **spec}, "status": status}}
        version = {
            "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": schema},
        }  # fmt: skip
        names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{GROUP}"},
            "spec": {"group": GROUP, "names": names, "scope": "Cluster", "versions": [version]},
        }  # fmt: skip


def why_not_ready(account: Account, network: Mapping[str, Any], parameters: Mapping[str, Any] | None) -> str:
    """The reason for which a network of pods is not Ready, "" where it is: its parameters, the VPC and subnet that they
    name, and a pool that has an interface there, are all to be (cluster-toolkit, gke-cluster: templates).
    """
    named = (network["spec"].get("parametersRef") or {}).get("name", "")
    if parameters is None:
        return f"there is no {PARAMETERS} {named}"
    asked = parameters["spec"]
    vpc, subnet = account.find(NETWORK, asked["vpc"]), account.find(SUBNETWORK, asked["vpcSubnet"])
    if vpc is None or subnet is None or last(subnet.inputs.get("network")) != last(vpc.id):
        return f"the VPC {asked['vpc']} has no subnet {asked['vpcSubnet']}"
    rdma = bool(vpc.inputs.get("networkProfile"))
    if rdma is not (asked.get("deviceMode") == "RDMA"):
        return f"deviceMode {asked.get('deviceMode')} is not that of the VPC {asked['vpc']}"
    pools = (one for one in account.objects() if one.token == NODE_POOL)
    further = (
        each
        for pool in pools
        for each in (pool.inputs.get("networkConfig") or {}).get("additionalNodeNetworkConfigs") or ()
    )
    if not any(last(each.get("subnetwork")) == last(subnet.id) for each in further):
        return f"no node has an interface in {asked['vpcSubnet']}"
    return ""
