"""The moment of a destroy at which a stack's resource groups are searched for what is others', as a Pulumi resource."""

from collections.abc import Sequence

import pulumi

PATIENCE_S = 900.0
"""Things that AKS made go minutes after the cluster."""


class AzureDrainResource(pulumi.CustomResource):
    """No-op until destroy. On delete, refuses to go on while a group holds what the stack did not make.

    A group that is deleted takes all that is in it, of whomever. The cluster depends on this and it on the groups: so
    it is asked when the cluster is gone and the groups are there.
    """

    def __init__(
        self, name: str, *, subscription: str, stack: str, groups: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {"subscription": subscription, "stack": stack, "groups": list(groups), "patienceS": PATIENCE_S}
        super().__init__("penstock:azure:Drain", name, inputs, opts)
