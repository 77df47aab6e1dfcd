"""A virtual network that stands in the simulated subscription before the stack, as the stack's file names it.

Made of what a platform team usually has: a subnet of nodes with a NAT gateway, one that is handed over to the API
server, and one for each file system. A fault script may have any of it otherwise (`existing:`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.azure.names import NAT, NETWORK, SUBNET

SERVER, VOLUMES = "Microsoft.ContainerService/managedClusters", "Microsoft.NetApp/volumes"
SPACE = "10.40.0.0/16"
SUBNETS = (
    ("nodesSubnet", "10.40.0.0/20", ""), ("apiServerSubnet", "10.40.16.0/27", SERVER),
    ("fileSystemSubnet", "10.40.18.0/23", ""), ("sharedFileSystemSubnet", "10.40.17.0/26", VOLUMES),
)  # fmt: skip
"""Names in the stack file, ranges, and the service that each is handed over to."""


def subscription_of(config: Mapping[str, Any]) -> str:
    """That of the stack file; empty where it names none."""
    given = config.get("penstock:azure")
    named = given.get("subscription") if isinstance(given, Mapping) else None
    return str(named or config.get("azure-native:subscriptionId") or "").lower()


def standing(config: Mapping[str, Any]) -> Iterator[StandingThing]:
    """The network under `cluster.network.existing` of the stack file; nothing where it names none."""
    given: Any = config.get("penstock:cluster")
    region = str(given.get("region", "")) if isinstance(given, Mapping) else ""
    for key in ("network", "existing"):
        given = given.get(key) if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not given.get("network"):
        return
    network = str(given["network"])
    group, _, _ = network.partition("/providers/")
    gateway = f"{group}/providers/Microsoft.Network/natGateways/out"
    yield StandingThing(token=NAT, id=gateway, inputs={"name": "out", "location": region})
    yield StandingThing(
        token=NETWORK, id=network,
        inputs={
            "name": network.rpartition("/")[2], "location": region, "addressSpace": {"addressPrefixes": [SPACE]},
            "subnets": [],
        },
    )  # fmt: skip
    for key, cidr, service in SUBNETS:
        if name := given.get(key):
            handed = [{"name": "service", "serviceName": service}] if service else []
            out = {"natGateway": {"id": gateway}} if key == "nodesSubnet" else {}
            yield StandingThing(
                token=SUBNET, id=f"{network}/subnets/{name}",
                inputs={"name": name, "addressPrefix": cidr, "delegations": handed, **out},
            )  # fmt: skip
