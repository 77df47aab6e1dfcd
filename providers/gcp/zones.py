"""Zone of a pool, as the stack file gives it."""

from components.spec.cluster import NodePoolSpec


def zone_of(pool: NodePoolSpec) -> str | None:
    """Zone of the pool's machines: its own, or its reservation's; None where neither is given."""
    held = pool.capacity.reservation or pool.capacity.capacity_block
    return pool.zone or (held.zone if held else None)
