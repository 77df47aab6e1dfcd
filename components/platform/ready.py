"""The barrier between a chart and the custom resources that need it."""

from collections.abc import Sequence

import pulumi


class Ready(pulumi.CustomResource):
    """There when the definitions are established and the webhooks answer.

    When it goes, the custom resources of those definitions have gone before: their controller is still there then, and
    takes their finalizers off.
    """

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        crds: Sequence[str],
        webhooks: Sequence[str],
        timeout_s: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        known = {
            "kubeconfig": pulumi.Output.secret(kubeconfig),
            "crds": list(crds),
            "webhooks": list(webhooks),
            "timeoutS": timeout_s,
        }
        super().__init__("penstock:kubernetes:Ready", name, known, opts)
