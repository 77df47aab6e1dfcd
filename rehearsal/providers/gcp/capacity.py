"""Machines that a GKE node pool, or a cluster of Cluster Director, asks Google for."""

from rehearsal.cloud.account import Account
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import Demand, Market
from rehearsal.providers.gcp.kinds.gke_pools import zones_of
from rehearsal.providers.gcp.names import CLUSTER, DIRECTOR, NODE_POOL, SPECIFIC, last
from rehearsal.providers.gcp.sizes import first_count


def demand(account: Account, token: str, inputs: Inputs) -> Demand | None:
    """The machines that a pool asks for; None for what is no pool, or asks for nothing. Its counts are of each zone."""
    if token == DIRECTOR:
        return _login(inputs)
    if token != NODE_POOL:
        return None
    zones, count = zones_in(account, inputs), first_count(inputs)
    if not count:
        return None
    name = str((inputs.get("nodeConfig") or {}).get("machineType") or "e2-medium")
    return Demand(machine_types=(name,), zones=zones, count=count * len(zones), market=market_of(inputs))


def _login(inputs: Inputs) -> Demand | None:
    """Login nodes alone: for a node set its cluster "will attempt to ensure that at least this many nodes exist" (API
    v1, staticNodeCount), so that machines which are not to be had do not fail it."""
    login = ((inputs.get("orchestrator") or {}).get("slurm") or {}).get("loginNodes")
    if not login:
        return None
    return Demand(
        machine_types=(str(login["machineType"]),), zones=(str(login["zone"]),), count=int(login["count"]),
        market=Market.ON_DEMAND,
    )  # fmt: skip


def zones_in(account: Account, inputs: Inputs) -> tuple[str, ...]:
    """The zones of a pool in the account."""
    named = str(inputs.get("cluster"))
    cluster = account.find(CLUSTER, named) or next(
        (one for one in account.objects() if one.token == CLUSTER and one.id.endswith(f"/{last(named)}")), None
    )
    return zones_of(inputs, cluster.outputs if cluster else {})


def market_of(inputs: Inputs) -> Market:
    """Flex start is of the preemptible quota, as spot is (Google Cloud, "About consumption options")."""
    nodes = inputs.get("nodeConfig") or {}
    queued = (inputs.get("queuedProvisioning") or {}).get("enabled")
    if (nodes.get("reservationAffinity") or {}).get("consumeReservationType") == SPECIFIC:
        return Market.RESERVED
    return Market.SPOT if nodes.get("spot") or nodes.get("flexStart") or queued else Market.ON_DEMAND
