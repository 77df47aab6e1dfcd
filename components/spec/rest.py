"""Stand-ins for places of a stack file that have the wrong form, so that the rest of it is judged all the same."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Places = Mapping[str, Any]
"""Places by their keys, `*` for each entry of a list or name of a mapping, with what stands in for a wrong value; None
leaves it out.

Only such places are in it that decide nothing of the rest, or of which it is known what was meant.
"""

A_REASON = "stands in for a reason"
BUDGET = "cluster.budgetUsdPerHour"
"""The plan itself says of a budget that could not be read what it has to be."""

OF_EVERY_CLOUD: Places = {
    "cluster.allowNodeRoll": None,
    "cluster.network.cidr": None,
    "cluster.network.flowLogs": None,
    "cluster.network.nat": None,
    BUDGET: None,
    "cluster.expiresAt": None,
    "cluster.kubernetesVersion": None,
    "cluster.nodePools.*.capacity.capacityBlock.id": "id",
    "cluster.nodePools.*.capacity.reservation.id": "id",
    "cluster.nodePools.*.fabric.none": A_REASON,
    "cluster.nodePools.*.fabric.wanted": A_REASON,
    "cluster.nodePools.*.labels": None,
    "cluster.nodePools.*.taints": None,
    "inference.model": {"path": "/"},
    "inference.route.loadBalancer": None,
}


def with_stand_ins(written: Any, wrong: set[str], places: Places) -> tuple[Any, frozenset[str]]:
    """The same with stand-ins at those of the places that hold a wrong path, and the paths of these."""
    copy = json.loads(json.dumps(written, default=str))
    replaced: set[str] = set()
    for pattern, stand_in in places.items():
        for holder, key, path in list(_found(copy, pattern.split("."), "")):
            if any(is_at(one, path) and not is_under(one, replaced) for one in wrong):
                holder.pop(key, None)
                if stand_in is not None:
                    holder[key] = stand_in
                replaced.add(path)
    return copy, frozenset(replaced)


def is_under(path: str, others: set[str] | frozenset[str]) -> bool:
    """True if a path is one of the others or lies below one."""
    return any(is_at(path, other) for other in others)


def is_at(path: str, other: str) -> bool:
    """True if a path is the other one or lies below it."""
    return f"{path}.".startswith(f"{other}.")


def _found(value: Any, steps: Sequence[str], path: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """The mappings that hold such a place, with its key and its path as messages have it."""
    step, *more = steps
    if step == "*" and isinstance(value, list):
        for at, one in enumerate(value):
            name = one.get("name") if isinstance(one, dict) else None
            yield from _found(one, more, f"{path}.{name if isinstance(name, str) else at}")
    elif step == "*" and isinstance(value, dict):
        for name, one in value.items():
            yield from _found(one, more, f"{path}.{name}")
    elif isinstance(value, dict) and not more:
        yield value, step, f"{path}.{step}".lstrip(".")
    elif isinstance(value, dict) and step in value:
        yield from _found(value[step], more, f"{path}.{step}".lstrip("."))
