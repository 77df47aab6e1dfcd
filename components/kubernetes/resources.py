"""Penstock's own resources in a cluster, as Pulumi declares them: the barrier, the acceptance gate and the drain."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.kubernetes.manifest import Registry, resolved
from components.plan.kubernetes import GatePlan, PoolExpectation

DRAIN_PATIENCE_S = 600.0
"""A cloud takes a load balancer or a disk away within minutes; after ten something else holds it."""

Scalers = Mapping[str, Mapping[str, pulumi.Input[str]]]


class Gate(pulumi.CustomResource):
    """There once the cluster has shown what it must, or has said why that cannot be known."""

    state: pulumi.Output[str]
    """`pass`, `partial` or `unknown`; at `fail` there is no such resource, and what depends on it is not made."""
    reason: pulumi.Output[str]
    shut: pulumi.Output[Mapping[str, str]]
    """Pools that failed, each with its reason; the next `up` looks at them again."""
    quarantined: pulumi.Output[list[str]]
    """Nodes that were found bad and are kept out."""
    emptied: pulumi.Output[list[str]]
    """Pools that were set to no nodes; the next look gives them their size back."""
    checks: pulumi.Output[list[Mapping[str, Any]]]
    """Checks that were made, each with its node and its result."""

    def __init__(
        self, name: str, *, plan: GatePlan, kubeconfig: pulumi.Input[str], registry: Registry = None,
        scalers: Scalers | None = None, opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`scalers`: by pool, how it is set to no nodes when it is not there in time."""
        inputs: dict[str, pulumi.Input[Any]] = {
            "name": name,
            "kubeconfig": pulumi.Output.secret(kubeconfig),
            "pools": [resolved(_expectation(pool), registry) for pool in plan.pools],
            "probe": resolved(plan.probe, registry),
            "timeoutS": plan.timeout_s,
            "scalers": {pool: dict(scaler) for pool, scaler in (scalers or {}).items()},
        }
        outputs = dict.fromkeys(("state", "reason", "shut", "quarantined", "emptied", "checks"))
        super().__init__("penstock:kubernetes:Gate", name, inputs | outputs, opts)

    @property
    def outputs(self) -> Mapping[str, pulumi.Output[Any]]:
        """Outputs that a stack exports of it."""
        return {"state": self.state, "reason": self.reason, "shut": self.shut, "quarantined": self.quarantined}


class NamespaceDrain(pulumi.CustomResource):
    """No-op until destroy. On delete, removes what controllers made for the namespace outside the cluster first.

    Load balancers, disks and machines outlive a cluster whose controllers went before them.
    """

    def __init__(
        self, name: str, *, kubeconfig: pulumi.Input[str], namespace: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:  # fmt: skip
        inputs = {
            "kubeconfig": pulumi.Output.secret(kubeconfig),
            "namespace": namespace,
            "patienceS": DRAIN_PATIENCE_S,
        }
        super().__init__("penstock:kubernetes:Drain", name, inputs, opts)


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


def _expectation(pool: PoolExpectation) -> dict[str, Any]:
    return {
        "pool": pool.pool,
        "nodes": pool.nodes,
        "selector": dict(pool.selector),
        "devices": dict(pool.devices),
        "check": pool.check,
        **({"probe": pool.probe} if pool.probe else {}),
        "floorGbps": pool.floor_gbps,
        "floorSource": pool.floor_source,
        **({"fileSystemModule": pool.file_system_module} if pool.file_system_module else {}),
    }
