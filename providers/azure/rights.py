"""The moment at which rights that were given are known everywhere, as a Pulumi resource."""

from collections.abc import Sequence

import pulumi

PATIENCE_S = 900.0
"""Rights are known after a minute or two, now and then after ten (AKS, "Use a managed identity", 2026-08)."""


class SettledRights(pulumi.CustomResource):
    """There when every right has been listed for long enough that Azure's other services know it too."""

    def __init__(
        self, name: str, *, subscription: str, assignments: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`assignments`: ids of role assignments."""
        inputs = {"subscription": subscription, "assignments": list(assignments), "patienceS": PATIENCE_S}
        super().__init__("penstock:azure:Apis", name, inputs, opts)
