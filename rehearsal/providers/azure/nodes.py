"""Derives Kubernetes nodes from the account's pools: their number, labels, taints, and what pods are offered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.field.allocatable import offered
from rehearsal.field.deployed import MachinePool
from rehearsal.providers.azure.capacity import inline
from rehearsal.providers.azure.machines import GPU, RDMA, SHARED_CARDS, SHARED_RDMA, VirtualMachine, machine, size_of
from rehearsal.providers.azure.names import CLUSTER, POOL
from rehearsal.providers.azure.node_marks import given_taints, has_fabric, own_labels, own_taints, pool_name
from rehearsal.providers.azure.sizes import first_count

NODE_TOKENS = frozenset({CLUSTER, POOL})
DEFAULT_PODS = 250
"""Of a node in an overlay (AKS, concepts-network-ip-address-planning); its reserve grows with them."""


def nodes(account: Account) -> Iterator[SimulatedNodes]:
    """The nodes of each pool. Their number is known where the pool has what it asked for."""
    for thing in account.objects():
        location = str(thing.outputs.get("location", ""))
        if thing.token == POOL:
            yield _group(thing, thing.inputs, location)
        elif thing.token == CLUSTER:
            for one in inline(thing.inputs):
                yield _group(thing, one, location)


def _group(thing: Object, pool: Inputs, location: str) -> SimulatedNodes:
    known = thing.status is Status.ACTIVE
    missing = thing.missing if thing.token == POOL else 0
    taints = tuple(given_taints(pool))
    own = tuple(one for one in own_taints(pool) if one["key"] not in {each["key"] for each in taints})
    return SimulatedNodes(
        group=f"aks-{pool_name(pool)}", count=max(first_count(pool) - missing, 0) if known else None,
        labels={**own_labels(pool, location), **(pool.get("nodeLabels") or {})}, taints=(*taints, *own),
        allocatable=allocatable(pool, machine(str(pool.get("vmSize")))),
    )  # fmt: skip


def allocatable(pool: Inputs, found: VirtualMachine | None) -> dict[str, Any]:
    """Resources that such nodes offer pods, by AKS' formula or as measured; devices as a plugin would offer them."""
    if found is None:
        return {}
    sized = size_of(found.name)
    size = replace(sized, pods=int(pool.get("maxPods") or DEFAULT_PODS)) if sized else None
    offer = offered("azure", MachinePool(name="", machine_type=found.name), size)
    memory_ki = offer.memory_ki if offer else int(found.memory_gib * 2**20)
    told: dict[str, Any] = {"cpu": f"{cpu_m(found.vcpus)}m", "memory": f"{memory_ki}Ki"}
    if found.chips:
        told[GPU] = found.chips
    if has_fabric(pool, found):
        told |= {RDMA: found.infiniband, SHARED_RDMA: SHARED_CARDS}
    return told


def cpu_m(vcpus: int) -> int:
    """Processors that AKS leaves pods, in thousandths (AKS, node-resource-reservations, 2026-06-11: 60, 100, 140, 180,
    260, 420 and 740 are kept of 1, 2, 4, 8, 16, 32 and 64; 340 of 24 were measured).
    """
    return vcpus * 1000 - (60 + 40 * (vcpus > 1) + 20 * max(min(vcpus, 4) - 2, 0) + 10 * max(vcpus - 4, 0))
