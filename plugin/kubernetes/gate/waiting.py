"""The nodes of each pool, waited for until all are there with all of their devices, or time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.kubernetes.quantities import quantity
from plugin.calls import Call
from plugin.kubernetes.cluster import Patience
from providers.existing.seen import is_usable

SETTLE_S = 180.0
"""Seconds that Ready nodes get to offer their devices: a device plugin's image is pulled and its driver loaded. What
is missing after that stays missing."""
MOST_NAMED = 5

Pool = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesOf:
    """One pool's nodes."""

    there: Mapping[str, Mapping[str, int]]
    """Those that are Ready, with what they offer of the expected devices."""
    others: str
    """In words, which are there and not Ready; empty where there are none."""


def wait_for_nodes(call: Call, api: KubernetesApi, pools: Sequence[Pool], patience: Patience) -> dict[str, NodesOf]:
    """By pool. Returns as soon as every pool is whole, and at the latest when patience is over."""
    settled_at: float | None = None
    while True:
        found = {pool["pool"]: _nodes_of(api, pool) for pool in pools}
        if all(_whole(pool, found[pool["pool"]]) for pool in pools) or patience.over:
            return found
        if all(len(found[pool["pool"]].there) >= pool["nodes"] for pool in pools):
            settled_at = patience.waited_s if settled_at is None else settled_at
            if patience.waited_s - settled_at >= SETTLE_S:
                return found
        else:
            settled_at = None
        call.voice.live("waits for " + ", ".join(_words(pool, found[pool["pool"]]) for pool in pools))
        patience.step()


def listed(api: KubernetesApi, pool: Pool) -> Sequence[Mapping[str, Any]]:
    """The pool's nodes that are there now, as the API server has them."""
    return api.list("v1", "Node", labels=",".join(f"{key}={value}" for key, value in pool["selector"].items()))


def _nodes_of(api: KubernetesApi, pool: Pool) -> NodesOf:
    nodes = listed(api, pool)
    there = {node["metadata"]["name"]: _offered(node, pool["devices"]) for node in nodes if is_usable(node)}
    unwell = sorted(node["metadata"]["name"] for node in nodes if not is_usable(node))
    more = f" and {len(unwell) - MOST_NAMED} more" if len(unwell) > MOST_NAMED else ""
    others = f" ({', '.join(unwell[:MOST_NAMED])}{more} not Ready, cordoned or kept out)" if unwell else ""
    return NodesOf(there=dict(sorted(there.items())), others=others)


def _offered(node: Mapping[str, Any], devices: Mapping[str, int]) -> dict[str, int]:
    allocatable = node.get("status", {}).get("allocatable") or {}
    return {name: int(quantity(allocatable.get(name, 0))) for name in devices}


def _whole(pool: Pool, nodes: NodesOf) -> bool:
    complete = [
        has for has in nodes.there.values() if all(has[name] >= count for name, count in pool["devices"].items())
    ]
    return len(complete) >= pool["nodes"] and len(complete) == len(nodes.there)


def _words(pool: Pool, nodes: NodesOf) -> str:
    return f"{pool['pool']}: {len(nodes.there)} of {pool['nodes']} nodes Ready"
