"""Machines that an AKS pool asks Azure for."""

from collections.abc import Iterator
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import Demand, Market
from rehearsal.providers.azure.names import CLUSTER, POOL
from rehearsal.providers.azure.sizes import first_count, zones_of


def demand(account: Account, token: str, inputs: Inputs) -> Demand | None:  # noqa: ARG001 (the form of every cloud)
    """The machines that a pool asks for, or the pool in a cluster; None for what asks for none."""
    pool = inputs if token == POOL else next(inline(inputs), None) if token == CLUSTER else None
    if pool is None or not first_count(pool):
        return None
    return Demand(
        machine_types=(str(pool.get("vmSize")),), zones=zones_of(pool), count=first_count(pool), market=market_of(pool)
    )


def inline(cluster: Inputs) -> Iterator[dict[str, Any]]:
    """Pools that stand in the cluster's own request."""
    return (dict(one) for one in cluster.get("agentPoolProfiles") or ())


def market_of(pool: Inputs) -> Market:
    if pool.get("scaleSetPriority") == "Spot":
        return Market.SPOT
    return Market.RESERVED if pool.get("capacityReservationGroupID") else Market.ON_DEMAND
