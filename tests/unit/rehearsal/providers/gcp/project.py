"""A project of the simulated Google Cloud with a network and a cluster, without an engine."""

from collections.abc import Mapping
from typing import Any

from rehearsal.cloud.account import Object
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.standing import otherwise
from rehearsal.faults import FaultScript
from rehearsal.providers.gcp.rules import RULES

PROJECT, REGION, ZONE = "tiny-project", "us-central1", "us-central1-a"
NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
NO_RESERVATION = {"consumeReservationType": "NO_RESERVATION"}
RESERVATION = f"projects/{PROJECT}/reservations/big"


class GcpProject:
    """The project. `make` creates as the engine would; what it says is the object in the account."""

    def __init__(self, *, standing: bool = False, existing_network: Any = None, **faults: Any) -> None:
        """`existing_network`: what a stack file has under cluster.network.existing."""
        pool = {"capacity": {"reservation": {"id": RESERVATION, "zone": ZONE}}}
        config: dict[str, Any] = {"gcp:project": PROJECT, "penstock:cluster": {"nodePools": [pool]}}
        if existing_network:
            config["penstock:cluster"] |= {"region": REGION, "network": {"existing": existing_network}}
        things = RULES.standing(config) if standing else ()
        things = tuple(otherwise(things, FaultScript.model_validate(faults).existing))
        script = FaultScript.model_validate(faults)
        self.cloud = SimulatedCloud(RULES, faults=script, existing=[RESERVATION], standing=things)

    def make(self, token: str, name: str, **inputs: Any) -> Object:
        given = {"name": name, "project": PROJECT, **inputs}
        return self.cloud.create(token, name, given, region=REGION)

    def change(self, thing: Object, **inputs: Any) -> Object:
        new = {**thing.inputs, **inputs}
        return self.cloud.update(thing.token, thing.id, thing.called, thing.inputs, new, region=REGION)

    def delete(self, thing: Object) -> None:
        self.cloud.delete(thing.token, thing.id, thing.called)

    def network(self, name: str = "net", **inputs: Any) -> Object:
        return self.make(NETWORK, name, **{"autoCreateSubnetworks": False, **inputs})

    def subnetwork(self, network: Object, name: str = "nodes", **inputs: Any) -> Object:
        given = {"network": network.id, "region": REGION, "ipCidrRange": "10.0.0.0/20", **inputs}
        return self.make(SUBNETWORK, name, **given)

    def cluster(self, **inputs: Any) -> Object:
        network = self.network()
        subnet = self.subnetwork(network)
        return self.make(CLUSTER, "tiny", **cluster_inputs(network.id, subnet.id, **inputs))

    def pool(self, name: str = "train", *, config: Mapping[str, Any] | None = None, **inputs: Any) -> Object:
        return self.make(POOL, name, **pool_inputs(config, **inputs))


def cluster_inputs(network: str, subnetwork: str, **more: Any) -> dict[str, Any]:
    """Of one with multi-networking in one zone."""
    return {
        "location": REGION, "nodeLocations": [ZONE], "network": network, "subnetwork": subnetwork,
        "initialNodeCount": 1, "removeDefaultNodePool": True, "datapathProvider": "ADVANCED_DATAPATH",
        "enableMultiNetworking": True, "networkingMode": "VPC_NATIVE", "deletionProtection": False,
        "releaseChannel": {"channel": "REGULAR"},
        "workloadIdentityConfig": {"workloadPool": f"{PROJECT}.svc.id.goog"}, **more,
    }  # fmt: skip


def pool_inputs(config: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Of two spot machines with four L4, but for what is given."""
    nodes = {"machineType": "g2-standard-48", "spot": True, "reservationAffinity": NO_RESERVATION, **(config or {})}
    given = {
        "cluster": "tiny",
        "location": REGION,
        "nodeLocations": [ZONE],
        "nodeCount": 2,
        "nodeConfig": nodes,
        **more,
    }
    return {key: value for key, value in given.items() if value is not None}
