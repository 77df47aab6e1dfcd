"""Networks of a fabric as GKE has them for pods: a Network for each subnet, by the names that pods ask for. Pure."""

from collections.abc import Iterator

from components.labels import OWN_LABELS
from components.plan.kubernetes import Manifest
from providers.gcp.types import FabricSubnet, FabricVpc, GcpNetworkPlan

API = "networking.gke.io/v1"
_WAIT = {"pulumi.com/waitFor": "condition=Ready"}
"""A pod that names a Network before it is ready waits for ever."""


def network_objects(plan: GcpNetworkPlan) -> Iterator[Manifest]:
    """Parameters and Network of each subnet, in that order."""
    for vpc in plan.fabrics:
        for subnet in vpc.subnets:
            yield _parameters(vpc, subnet)
            yield _network(subnet)


def _parameters(vpc: FabricVpc, subnet: FabricSubnet) -> Manifest:
    spec = {"vpc": vpc.name, "vpcSubnet": subnet.name, "deviceMode": vpc.device_mode}
    metadata = {"name": subnet.alias, "labels": dict(OWN_LABELS)}
    return {"apiVersion": API, "kind": "GKENetworkParamSet", "metadata": metadata, "spec": spec}


def _network(subnet: FabricSubnet) -> Manifest:
    reference = {"group": "networking.gke.io", "kind": "GKENetworkParamSet", "name": subnet.alias}
    metadata = {"name": subnet.alias, "labels": dict(OWN_LABELS), "annotations": dict(_WAIT)}
    return {
        "apiVersion": API,
        "kind": "Network",
        "metadata": metadata,
        "spec": {"type": "Device", "parametersRef": reference},
    }
