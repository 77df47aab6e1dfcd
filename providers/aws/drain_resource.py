"""The moment of a destroy at which a network is freed of what controllers made in it, as a Pulumi resource."""

from collections.abc import Mapping

import pulumi

PATIENCE_S = 600.0
"""AWS takes a load balancer's interfaces away within minutes; after ten something else holds them."""


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
