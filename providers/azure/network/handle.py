"""The network as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureNetworkHandle:
    id: pulumi.Output[str]
    nodes: pulumi.Output[str]
    """Id of the subnet of nodes, as are the following."""
    api_server: pulumi.Output[str]
    lustre: pulumi.Output[str] | None
    """None where there is no such subnet."""
    netapp: pulumi.Output[str] | None
    scopes: tuple[pulumi.Output[str], ...]
    """Ids of what the control plane has to have a right to."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must stand before a machine can reach anything."""
