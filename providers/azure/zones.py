"""Zone of a pool, and of the stack."""

from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec


def zone_of(pool: NodePoolSpec) -> str | None:
    """Zone of the pool's machines: its own, or its reservation's; None where neither is given."""
    held = pool.capacity.reservation
    return pool.zone or (held.zone if held else None)


def first_zone(spec: StackSpec) -> str:
    """Zone of the system pool and of file systems: the stack file's, or the first that a pool has; empty where none is
    given, so that Azure chooses."""
    bound = [zone for pool in spec.cluster.node_pools if (zone := zone_of(pool))]
    return next(iter([*spec.cluster.network.zones, *bound]), "")
