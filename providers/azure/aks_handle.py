"""The AKS cluster as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityHandle:
    """Identities of a cluster, made before it."""

    group: pulumi.Output[str]
    """Name of the resource group of cluster and identities."""
    control_plane: pulumi.Output[str]
    """Id."""
    nodes: pulumi.Output[str]
    nodes_client: pulumi.Output[str]
    """Client id, by which a program asks for its tokens."""
    nodes_principal: pulumi.Output[str]
    """Principal id, to which rights are given."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must be there before the cluster is asked for: rights, and the time that they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AksHandle:
    name: pulumi.Output[str]
    id: pulumi.Output[str]
    group: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Host of the API server, as the plan's reach has it."""
    kubeconfig: pulumi.Output[str]
    """JSON, secret."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must stand before a node pool is asked for."""
