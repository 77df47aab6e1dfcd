"""Derives Kubernetes nodes from the account's node pools: their number, labels, taints, and what pods are offered.

Labels and taints: GKE, "About node labels and taints", "Topology-aware scheduling", "About TPUs in GKE".
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rehearsal.cloud.account import Account, Object, Status
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import SimulatedNodes
from rehearsal.field.allocatable import offered
from rehearsal.field.deployed import MachinePool
from rehearsal.providers.gcp.capacity import demand, zones_in
from rehearsal.providers.gcp.legality import has_driver
from rehearsal.providers.gcp.machines import GPU, TPU, Machine, size_of
from rehearsal.providers.gcp.names import CLUSTER, NODE_POOL, last
from rehearsal.providers.gcp.node_marks import EFFECTS, machine_in, memory_rows, own_labels, own_taints

NODE_TOKENS = frozenset({CLUSTER, NODE_POOL})
GIB_KI = 1024 * 1024
OWN_CPU = 0.06, 0.01, 0.005, 0.005
"""Shares of the first cores that GKE keeps, and 0.25 % of all further ones ("Plan node sizes")."""


def nodes(account: Account) -> Iterator[SimulatedNodes]:
    """The nodes of each pool. Their number is known where the pool has what it asked for."""
    for thing in account.objects():
        if thing.token == NODE_POOL:
            group = _pool(account, thing)
            yield group if thing.status is Status.ACTIVE else replace(group, count=None)


def _pool(account: Account, thing: Object) -> SimulatedNodes:
    inputs, asked = thing.inputs, demand(account, thing.token, thing.inputs)
    config = inputs.get("nodeConfig") or {}
    found = machine_in(inputs)
    taints = tuple(
        {"key": one["key"], "value": one["value"], "effect": EFFECTS[one["effect"]]}
        for one in config.get("taints") or ()
    )
    own = tuple(one for one in own_taints(inputs, found) if one["key"] not in {each["key"] for each in taints})
    return SimulatedNodes(
        group=f"gke-{last(inputs.get('cluster'))}-{inputs['name']}",
        count=asked.count - thing.missing if asked else 0,
        labels={**own_labels(inputs, zones_in(account, inputs)[0]), **(config.get("labels") or {})},
        taints=(*taints, *own),
        allocatable=allocatable(inputs, found),
    )


def allocatable(inputs: Inputs, found: Machine | None) -> dict[str, Any]:
    """Resources that such nodes offer pods: as measured or by GKE's formula; the devices, where a driver is there."""
    config = inputs.get("nodeConfig") or {}
    if found is None:
        return {}
    pages = huge_pages_mib(config)
    pool = MachinePool(name="", machine_type=found.name, huge_pages_mib=pages)
    offer = offered("gcp", pool, size_of(found.name))
    memory_ki = offer.memory_ki if offer else int(found.memory_gib * GIB_KI)
    if row := memory_rows().get(found.name):
        memory_ki = min(memory_ki, int(row[0] * GIB_KI) - pages * 1024)
    told: dict[str, Any] = {"cpu": f"{cpu_m(found.vcpus)}m", "memory": f"{memory_ki}Ki"}
    if pages:
        told["hugepages-2Mi"] = f"{pages}Mi"
    if found.device == TPU or (found.device == GPU and has_driver(config)):
        told[found.device] = found.chips
    return told | _interfaces(inputs, found)


def cpu_m(vcpus: int) -> int:
    """Processors that GKE leaves pods, in thousandths."""
    kept = sum(share * 1000 for share in OWN_CPU[:vcpus]) + max(vcpus - len(OWN_CPU), 0) * 2.5
    return int(vcpus * 1000 - kept)


def huge_pages_mib(config: Inputs) -> int:
    """Pages of 2 MiB that the nodes set aside."""
    given = (config.get("linuxNodeConfig") or {}).get("hugepagesConfig") or {}
    return 2 * int(given.get("hugepageSize2m") or 0)


def _interfaces(inputs: Inputs, found: Machine) -> dict[str, Any]:
    """Resources of GKE's multi-networking, one for each Network object of a further interface (llm-d 1730)."""
    further = (inputs.get("networkConfig") or {}).get("additionalNodeNetworkConfigs") or ()
    plain = len(further) - found.rdma if found.rdma else len(further)
    names = [f"gvnic-{index + 1}" for index in range(max(plain, 0))]
    names += [f"rdma-{index}" for index in range(min(found.rdma, len(further)))]
    return {f"networking.gke.io.networks/{name}{end}": 1 for name in names for end in ("", ".IP")}
