"""A subscription of the simulated Azure with a network, identities and a cluster, without an engine."""

from typing import Any

from rehearsal.cloud.account import Object
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.standing import otherwise
from rehearsal.faults import FaultScript
from rehearsal.providers.azure import names
from rehearsal.providers.azure.rules import RULES
from rehearsal.providers.azure.words import guid

REGION, GROUP = "eastus", "tiny"
NODES, SERVER, LUSTRE = "nodes", "api-server", "lustre"
NAT_GATEWAY, SERVER_SERVICE = "userAssignedNATGateway", "Microsoft.ContainerService/managedClusters"
H100, T4 = "Standard_ND96isr_H100_v5", "Standard_NC4as_T4_v3"
SYSTEM = {"name": "system", "mode": "System", "count": 3, "vmSize": "Standard_D4ds_v5",
          "type": "VirtualMachineScaleSets", "osDiskType": "Ephemeral"}  # fmt: skip


class Subscription:
    """The subscription. `make` creates as the engine would; what it says is the object in the account."""

    def __init__(self, *, standing: bool = False, config: Any = None, **faults: Any) -> None:
        script = FaultScript.model_validate(faults)
        things = tuple(otherwise(RULES.standing(config or {}), script.existing)) if standing else ()
        self.cloud = SimulatedCloud(RULES, faults=script, standing=things)

    def make(self, token: str, named: str, name: str, **inputs: Any) -> Object:
        """`named`: the input that names it."""
        given = {named: name, **inputs}
        if token != names.ROLE:
            given = {"resourceGroupName": GROUP, **given}
        return self.cloud.create(token, name, given, region=REGION)

    def change(self, thing: Object, **inputs: Any) -> Object:
        new = {name: value for name, value in {**thing.inputs, **inputs}.items() if value is not None}
        return self.cloud.update(thing.token, thing.id, thing.called, dict(thing.inputs), new, region=REGION)

    def delete(self, thing: Object) -> None:
        self.cloud.delete(thing.token, thing.id, thing.called)

    def group(self, name: str = GROUP) -> Object:
        inputs = {"resourceGroupName": name, "location": REGION}
        return self.cloud.create(names.GROUP, name, inputs, region=REGION)

    def gateway(self, name: str = "out") -> Object:
        sku = {"sku": {"name": "Standard"}}
        address = self.make(names.ADDRESS, "publicIpAddressName", name, publicIPAllocationMethod="Static", **sku)
        return self.make(names.NAT, "natGatewayName", name, publicIpAddresses=[{"id": address.id}], **sku)

    def network(self, name: str = "net", *, cidr: str = "10.224.0.0/16", **inputs: Any) -> Object:
        """With subnets of nodes behind a NAT gateway, of the API server and of a file system."""
        if "subnets" not in inputs:
            inputs["subnets"] = self.subnets()
        return self.make(names.NETWORK, "virtualNetworkName", name, addressSpace={"addressPrefixes": [cidr]}, **inputs)

    def subnets(self) -> list[dict[str, Any]]:
        service = {"name": "aks", "serviceName": SERVER_SERVICE}
        return [
            {"name": NODES, "addressPrefix": "10.224.0.0/20", "natGateway": {"id": self.gateway().id}},
            {"name": SERVER, "addressPrefix": "10.224.16.0/28", "delegations": [service]},
            {"name": LUSTRE, "addressPrefix": "10.224.18.0/24"},
        ]

    def identity(self, name: str) -> Object:
        return self.make(names.IDENTITY, "resourceName", name)

    def role(self, role: str, identity: Object, scope: str, **inputs: Any) -> Object:
        principal = identity.outputs["principalId"]
        given = {
            "principalId": principal, "scope": scope, "principalType": "ServicePrincipal",
            "roleDefinitionId": f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}", **inputs,
        }  # fmt: skip
        given = {key: value for key, value in given.items() if value is not None}
        return self.make(names.ROLE, "roleAssignmentName", guid(f"{role} {principal} {scope}"), **given)

    def cluster(self, *, waited: bool = True, **inputs: Any) -> Object:
        """In a group of its own, with an identity that may do everything in the network."""
        if self.cloud.account.find(names.GROUP, GROUP) is None:
            self.group()
        network = self.network()
        identity = self.identity("control-plane")
        self.role(names.NETWORK_CONTRIBUTOR, identity, network.id)
        if waited:
            self.cloud.clock.wait(3.0)
        return self.make(names.CLUSTER, "resourceName", "aks", **cluster_inputs(network.id, identity.id, **inputs))

    def pool(self, name: str = "train", **inputs: Any) -> Object:
        return self.make(names.POOL, "agentPoolName", name, resourceName="aks", **pool_inputs(**inputs))


def cluster_inputs(network: str, identity: str, /, **more: Any) -> dict[str, Any]:
    """Of an overlay with Cilium, and an API server in the network."""
    given = {
        "dnsPrefix": "tiny", "kubernetesVersion": "1.35", "location": REGION,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [identity]},
        "agentPoolProfiles": [{**SYSTEM, "vnetSubnetID": f"{network}/subnets/{NODES}"}],
        "networkProfile": {
            "networkPlugin": "azure", "networkPluginMode": "overlay", "networkDataplane": "cilium",
            "networkPolicy": "cilium", "podCidr": "10.244.0.0/16", "serviceCidr": "10.0.0.0/16",
            "dnsServiceIP": "10.0.0.10", "outboundType": NAT_GATEWAY,
        },
        "apiServerAccessProfile": {
            "enableVnetIntegration": True, "subnetId": f"{network}/subnets/{SERVER}",
            "authorizedIPRanges": ["203.0.113.0/24"],
        },
        "oidcIssuerProfile": {"enabled": True}, "securityProfile": {"workloadIdentity": {"enabled": True}}, **more,
    }  # fmt: skip
    return {key: value for key, value in given.items() if value is not None}


def pool_inputs(**more: Any) -> dict[str, Any]:
    """Of two machines with eight H100 and InfiniBand, but for what is given."""
    given = {
        "vmSize": H100, "count": 2, "mode": "User", "type": "VirtualMachineScaleSets", "osDiskType": "Ephemeral",
        "osDiskSizeGB": 512, "maxPods": 110, "osSKU": "Ubuntu", "orchestratorVersion": "1.35",
        "availabilityZones": ["1"], "nodeTaints": ["nvidia.com/gpu=present:NoSchedule"],
        "upgradeSettings": {"maxSurge": "0", "maxUnavailable": "1"}, **more,
    }  # fmt: skip
    return {key: value for key, value in given.items() if value is not None}
