"""Resources that nodes count for in a queue."""

from collections.abc import Mapping, Sequence

from components.plan.cluster import NodePoolPlan
from components.pods.template import gib


def node_resources(pool: NodePoolPlan) -> Mapping[str, str]:
    """Resources that one node counts for: those that workloads can have, as their pods ask for no more."""
    huge_pages = pool.binding.huge_pages_mib
    return {
        "cpu": f"{round(pool.room.cores * 1000)}m",
        "memory": gib(pool.room.memory_gib),
        **({"hugepages-2Mi": f"{huge_pages}Mi"} if huge_pages else {}),
        **{resource: str(count) for resource, count in pool.binding.devices.items()},
    }


def covered(pools: Sequence[NodePoolPlan]) -> list[str]:
    """Every resource that a job may ask for."""
    return list(dict.fromkeys(resource for pool in pools for resource in node_resources(pool)))


def times(quantity: str, nodes: int) -> str:
    number, unit = _parts(quantity)
    return f"{number * nodes}{unit}"


def capacity(pools: Sequence[NodePoolPlan], nodes: Mapping[str, int]) -> dict[str, str]:
    """Of so many nodes of each pool, all together."""
    found = {}
    for resource in covered(pools):
        parts = [
            (_parts(quantity), nodes.get(pool.name, 0))
            for pool in pools
            if (quantity := node_resources(pool).get(resource))
        ]
        found[resource] = f"{sum(number * count for (number, _unit), count in parts)}{parts[0][0][1]}"
    return found


def _parts(quantity: str) -> tuple[int, str]:
    """Number and unit; one resource has the same unit on every node."""
    number = quantity.rstrip("Mim")
    return int(number), quantity[len(number) :]
