"""A network of Azure that is there already: the form of `cluster.network.existing` in a stack file."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from components.spec.base import Spec, form

SubnetName = Annotated[
    str,
    Field(
        pattern=form(
            r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,78}[A-Za-z0-9_])?$",
            "a subnet's name: letters, digits, dashes, dots and underscores, 80 characters at most",
        )
    ),
]
VnetId = Annotated[
    str,
    Field(
        pattern=form(
            r"^/subscriptions/[-0-9a-fA-F]{36}/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+$",
            "a network's whole id: /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Network/virtualNetworks/"
            "NAME",
        )
    ),
]


class Outbound(StrEnum):
    """Way out of the subnet of the nodes, which its owner keeps."""

    NAT_GATEWAY = "natGateway"
    ROUTE_TABLE = "routeTable"


class GivenVnetSpec(Spec):
    """A virtual network with a subnet for nodes, and one for everything else that needs its own."""

    network: VnetId
    """Whole id of the network, in the stack's region."""
    nodes_subnet: SubnetName
    """Subnet of the nodes."""
    api_server_subnet: SubnetName
    """Subnet of the API server: a /28 or wider, handed over to Microsoft.ContainerService/managedClusters."""
    file_system_subnet: SubnetName | None = None
    """Subnet of Managed Lustre alone; only with storage.fileSystem."""
    shared_file_system_subnet: SubnetName | None = None
    """Subnet handed over to Microsoft.NetApp/volumes; only with storage.sharedFileSystem."""
    outbound: Outbound = Outbound.NAT_GATEWAY
    """Way out of the nodes' subnet: `natGateway`, or `routeTable` through a firewall."""
