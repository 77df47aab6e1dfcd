"""The EKS cluster as it was built: what other parts refer to."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class EksHandle:
    cluster_name: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    """Of the API server: PEM in base64."""
    cluster_security_group_id: pulumi.Output[str]
    """Made by EKS; nodes need it beside the fabric's, since a launch template with interfaces has no default."""
    version: str
    """Kubernetes version of the control plane, which its node groups follow."""
    node_role_arn: pulumi.Output[str]
    node_role_name: pulumi.Output[str]
    service_cidr: str
    """The range of Service addresses, which nodes of an image without EKS's own bootstrap must be told."""
    kubeconfig: pulumi.Output[str]
    """JSON, secret; it names the command that asks for a token and holds none itself."""
    ways_in: tuple[pulumi.Resource, ...]
    """Resources that must stand before the API server is reached from where pulumi runs, beside the cluster."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must stand before a node can join: the cluster, its network add-ons and the node's right to enter.
    """
