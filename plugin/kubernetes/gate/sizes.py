"""Sizes of pools between one look and the next: pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from plugin.calls import Properties

Pool = Mapping[str, Any]

LOOKED_AT = ("pool", "nodes", "selector", "devices", "floorGbps", "fileSystemModule")
"""Fields of an expectation that are looked at anew when they change. Another image or patience is no reason to disturb
jobs.
"""


def looked_at(pool: Pool) -> dict[str, Any]:
    return {key: pool.get(key) for key in LOOKED_AT}


def unchanged(before: Properties | None, inputs: Properties) -> set[str]:
    """Pools that were asked for before as they are now."""
    earlier = {pool["pool"]: looked_at(pool) for pool in (before or {}).get("pools", ())}
    return {pool["pool"] for pool in inputs["pools"] if earlier.get(pool["pool"]) == looked_at(pool)}


def made_since(before: Properties | None, inputs: Properties) -> set[str]:
    """Pools whose machines are of another group than before: new ones, and those whose group was made anew. Looks of
    earlier versions have not kept which.
    """
    earlier, now = _machines(before or {}), _machines(inputs)
    return {pool for pool, group in now.items() if pool not in earlier or earlier[pool] not in ("", group)}


def recounted(before: Properties | None, inputs: Properties) -> set[str]:
    """Pools that were there before with another number of nodes."""
    earlier = {pool["pool"]: pool["nodes"] for pool in (before or {}).get("pools", ())}
    return {pool["pool"] for pool in inputs["pools"] if earlier.get(pool["pool"], pool["nodes"]) != pool["nodes"]}


def relimited(before: Properties | None, inputs: Properties) -> set[str]:
    """Pools that were there before with other limits. Looks of earlier versions have not kept any."""
    earlier, now = _limits(before or {}), _limits(inputs)
    return {pool for pool, limits in now.items() if earlier.get(pool, limits) != limits}


def due(pool: Pool, inputs: Properties, settled: Collection[str]) -> Pool:
    """The pool with the nodes that it must have now: one that once had all may have been taken to its least since."""
    scaler = (inputs.get("scalers") or {}).get(pool["pool"]) or {}
    if pool["pool"] not in settled or "least" not in scaler or scaler.get("prepaid"):
        return pool
    return {**pool, "nodes": min(pool["nodes"], int(scaler["least"]))}


def _machines(inputs: Properties) -> dict[str, str]:
    """Name of the group behind each pool that has a scaler, empty where it is not known."""
    scalers = inputs.get("scalers") or {}
    return {pool: one["machines"] if isinstance(one.get("machines"), str) else "" for pool, one in scalers.items()}


def _limits(inputs: Properties) -> dict[str, tuple[str, str]]:
    scalers = inputs.get("scalers") or {}
    return {pool: (one["least"], one["most"]) for pool, one in scalers.items() if "most" in one}
