"""Rules of the simulated made-up cloud: three rows."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.collection import ResourceRow
from rehearsal.cloud.collection_rules import CollectionRules
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import Demand, Rules, SimulatedNodes
from rehearsal.cloud.sdk import Signature, declared
from tests.contract.made_up_cloud.provider.sdk import TYPES

NETWORK, CLUSTER, POOL = TYPES
OFFERED: Mapping[str, Mapping[str, Any]] = {
    "plain": {"cpu": "15", "memory": "60Gi", "pods": "110"},
    "fast": {"cpu": "94", "memory": "1000Gi", "pods": "110", "nvidia.com/gpu": 8, "rdma/fabric": 8},
}
"""Allocatable resources as such nodes show them: written down here, never taken from the planner."""


def _demand(inputs: Inputs) -> Demand:
    return Demand(machine_types=(inputs["machine"],), zones=("zone-a",), count=inputs["count"])


def _nodes(_account: Account, pool: Object) -> SimulatedNodes:
    count = pool.inputs["count"] if pool.status is Status.ACTIVE else None
    labels, offered = pool.inputs["labels"], OFFERED[pool.inputs["machine"]]
    return SimulatedNodes(group=pool.id, count=count, labels=labels, taints=(), allocatable=offered)


def _signature(token: str) -> Signature | None:
    return declared(TYPES[token]) if token in TYPES else None


RULES: Rules = CollectionRules(
    package="madeup",
    sdk_version="1.0.0",
    signature=_signature,
    default_region="middle-earth-1",
    cluster_token=CLUSTER,
    login_command="madeup token",
    reference=re.compile(r"madeup://\w+/[\w-]+"),
    rows=(
        ResourceRow(
            token=NETWORK, fixed=frozenset({"cidr"}), outputs={"link": "madeup://network/{id}"}, usd_per_hour=Decimal(0)
        ),
        ResourceRow(
            token=CLUSTER, fixed=frozenset({"network"}), refers={"network": NETWORK}, ready_min=8, deleted_min=5,
            usd_per_hour=Decimal("0.1"),
            outputs={"endpoint": "https://{id}.{region}.madeup.example", "authority": "{authority}"},
        ),
        ResourceRow(
            token=POOL, fixed=frozenset({"cluster", "machine"}), refers={"cluster": CLUSTER}, ready_min=4,
            deleted_min=3, demand=_demand, nodes=_nodes,
        ),
    ),
    object_quotas={"networks": NETWORK},
    machine_quotas={"machines": lambda demand: demand.count},
    machine_usd_per_hour={"plain": Decimal("0.5"), "fast": Decimal(30)},
    deletable=(POOL,),
)  # fmt: skip
