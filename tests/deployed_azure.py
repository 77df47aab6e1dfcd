"""Additions of Azure to the resources that a stack asks it for, and the sizes and images that it then has."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from components.plan.images import ImagePlan
from providers.azure.images.address import address_of, registry_name
from rehearsal.cloud.standing import StandingThing
from rehearsal.field.deployed import BuiltResource, StoredImage
from rehearsal.providers.azure.rules import RULES
from rehearsal.providers.azure.words import guid
from tests.unit.providers.aws.mocks import Outputs

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GATE, POOL = "penstock:kubernetes:Gate", "azure-native:containerservice:AgentPool"
KUBECONFIG = {
    "clusters": [{"name": "aks", "cluster": {"server": "https://aks:443", "certificate-authority-data": "Q0E="}}],
    "users": [{"name": "clusterUser", "user": {"token": "simulated"}}],
}


def identity(kind: str, name: str) -> str:
    """The id of a resource by the last part of its type and its name in the program."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/all/providers/Microsoft.All/{kind}/{name}"


def _named(key: str, **more: Any) -> Any:
    return lambda name, asked: {"name": asked.get(key, name), **more}


OUTPUTS: Outputs = {
    "ResourceGroup": _named("resourceGroupName"),
    "UserAssignedIdentity": lambda name, _asked: {"clientId": guid(f"c{name}"), "principalId": guid(f"p{name}")},
    "ManagedCluster": _named(
        "resourceName",
        fqdn="aks.eastus2.azmk8s.io",
        privateFQDN="aks.private",
        identity={"type": "UserAssigned", "userAssignedIdentities": {"control-plane": {"clientId": "c"}}},
    ),
    "AgentPool": _named("agentPoolName"),
    "StorageAccount": _named("accountName"),
    "AmlFilesystem": _named("amlFilesystemName", clientInfo={"mgsAddress": "10.1.0.5"}),
    "CapacityPoolVolume": _named("volumeName", mountTargets=[{"ipAddress": "10.1.0.6"}]),
    "azure-native:containerservice:listManagedClusterUserCredentials": {
        "kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(json.dumps(KUBECONFIG).encode()).decode()}]
    },
}
"""By the last part of a token, what the cloud adds that a program goes on with; by a function's token, its answer."""


def sized(made: Iterable[BuiltResource]) -> Iterator[BuiltResource]:
    """The resources with the sizes that the gate gives pools, which are made without nodes."""
    resources = list(made)
    gates = [one for one in resources if one.token == GATE]
    nodes = {pool["pool"]: pool["nodes"] for gate in gates for pool in gate.inputs["pools"]}
    scaled = {name for gate in gates for name in gate.inputs.get("scalers") or {}}
    for one in resources:
        pool = str(one.inputs.get("agentPoolName")) if one.token == POOL else ""
        now = {**one.inputs, "count": nodes[pool]} if pool in scaled and pool in nodes else one.inputs
        yield replace(one, inputs=now, asked=one.inputs)


def pushed(images: Iterable[ImagePlan], stack: str, region: str) -> Iterator[StoredImage]:
    """Images of the subscription's registries as they are there once penstock or the user has pushed them."""
    del region  # a registry's name is the world's
    for one in images:
        registry = address_of(registry_name(SUBSCRIPTION, stack)) if one.is_the_stacks else one.registry
        yield StoredImage(
            name=f"{registry}/{one.repository}", tag=one.tag, digest=one.digest, architectures=tuple(one.architectures)
        )


def standing(config: Mapping[str, Any]) -> Iterable[StandingThing]:
    """All that a rehearsal's subscription has beforehand."""
    found = RULES.standing(config)
    RULES.standing({})
    return found
