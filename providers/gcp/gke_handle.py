"""The GKE cluster as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class GkeHandle:
    name: pulumi.Output[str]
    id: pulumi.Output[str]
    """`projects/P/locations/L/clusters/C`."""
    location: str
    endpoint: pulumi.Output[str]
    """Host of the API server, as the plan's reach has it."""
    kubeconfig: pulumi.Output[str]
    """JSON, secret; it names the program that asks for a token and holds none itself."""
    node_account: pulumi.Output[str]
    """Address of the nodes' service account."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must stand before a node can join: the cluster, and the rights of its nodes."""
