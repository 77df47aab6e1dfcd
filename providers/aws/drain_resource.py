"""The moments of a destroy at which what others made is taken away, as Pulumi resources."""

from collections.abc import Mapping

import pulumi

PATIENCE_S = 600.0
"""AWS takes a load balancer's interfaces away within minutes; after ten something else holds them."""
LATE_LOGS_S = 30.0
"""A network of the stack's own takes minutes to go, in which late logs arrive; beside another's nothing is left."""


class NetworkDrainResource(pulumi.CustomResource):
    """No-op until destroy. On delete, removes what controllers of the cluster made in the network first.

    The cluster depends on it and it on the network: so it goes when no controller runs any more to make things anew.
    """

    def __init__(
        self,
        name: str,
        *,
        region: str,
        cluster: str,
        vpc_id: pulumi.Input[str],
        identity: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "region": region,
            "cluster": cluster,
            "vpc": vpc_id,
            "patienceS": PATIENCE_S,
            "identity": dict(identity),
        }
        super().__init__("penstock:aws:Drain", name, inputs, opts)


class LateLogsResource(pulumi.CustomResource):
    """No-op until destroy. On delete, removes the log group that EKS has made anew for a cluster that is gone.

    All of the stack depends on it, so that it goes last: EKS still writes when the cluster is gone, and how long is
    published nowhere (terraform-aws-eks 2486 and 2763).
    """

    def __init__(
        self,
        name: str,
        *,
        region: str,
        cluster: str,
        own_network: bool,
        identity: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "region": region,
            "cluster": cluster,
            "vpc": "",
            "patienceS": 0.0 if own_network else LATE_LOGS_S,
            "identity": dict(identity),
        }
        super().__init__("penstock:aws:Drain", name, inputs, opts)
