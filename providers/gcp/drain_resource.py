"""The moment of a destroy at which a network is freed of what GKE made in it, as a Pulumi resource."""

from collections.abc import Mapping, Sequence

import pulumi

PATIENCE_S = 900.0
"""Endpoint groups and forwarding rules go minutes after what they were made for."""


class GcpDrainResource(pulumi.CustomResource):
    """No-op until destroy. On delete, removes what controllers of the cluster made in the network first.

    The cluster depends on it and it on the network: so it goes when no controller runs any more to make things anew.
    """

    def __init__(  # noqa: PLR0913 (inputs by name)
        self, name: str, *, project: str, region: str, cluster: str, network: str, own: bool, groups: Sequence[str],
        identity: Mapping[str, str], opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {
            "project": project,
            "region": region,
            "cluster": cluster,
            "network": network,
            "own": own,
            "groups": list(groups),
            "patienceS": PATIENCE_S,
            "identity": dict(identity),
        }
        super().__init__("penstock:gcp:Drain", name, inputs, opts)
