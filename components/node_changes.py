"""Changes of nodes with accelerators, as a Pulumi resource that refuses them without consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMakeup:
    """Settings that a pool's nodes are made of. A size is no part of it: it changes without taking nodes away."""

    nodes: int
    machine_type: str
    rolls: Mapping[str, Any]
    """Settings whose change replaces the nodes one after the other."""
    replaces: Mapping[str, Any]
    """Settings whose change takes the whole pool away and makes another."""


class NodeChanges(pulumi.CustomResource):
    """The makeup that the nodes have now. All that a cluster consists of depends on it.

    A change of a pool that is there already fails this resource in `preview` and in `up`, unless `consent` has a
    reason: the engine shows a policy the new inputs only, and a provider the old ones too.
    """

    def __init__(
        self, name: str, *, pools: Mapping[str, PoolMakeup], consent: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        made = {
            pool: {
                "nodes": one.nodes,
                "machineType": one.machine_type,
                "rolls": dict(one.rolls),
                "replaces": dict(one.replaces),
            }
            for pool, one in pools.items()
        }
        super().__init__("penstock:nodes:Changes", name, {"pools": made, "consent": consent}, opts)
