"""Resources that nodes count for in a queue."""

from collections.abc import Mapping, Sequence

from components.plan.cluster import NodePoolPlan
from components.pods.template import gib


def node_resources(pool: NodePoolPlan) -> Mapping[str, str]:
    """Resources that one node counts for: the machine as its vendor describes it, never less than pods can have."""
    huge_pages = pool.binding.huge_pages_mib
    return {
        "cpu": str(pool.machine.cores),
        "memory": gib(pool.machine.memory_gib),
        **({"hugepages-2Mi": f"{huge_pages}Mi"} if huge_pages else {}),
        **{resource: str(count) for resource, count in pool.binding.devices.items()},
    }


def covered(pools: Sequence[NodePoolPlan]) -> list[str]:
    """Every resource that a job may ask for."""
    return list(dict.fromkeys(resource for pool in pools for resource in node_resources(pool)))


def times(quantity: str, nodes: int) -> str:
    number = quantity.removesuffix("Mi")
    return f"{int(number) * nodes}{quantity[len(number) :]}"


def capacity(pools: Sequence[NodePoolPlan], nodes: Mapping[str, int]) -> dict[str, str]:
    """Of so many nodes of each pool, all together."""
    found = {}
    for resource in covered(pools):
        parts = [(node_resources(pool).get(resource, "0"), nodes.get(pool.name, 0)) for pool in pools]
        total = sum(int(times(quantity, count).removesuffix("Mi")) for quantity, count in parts)
        found[resource] = f"{total}Mi" if any(quantity.endswith("Mi") for quantity, _count in parts) else str(total)
    return found
