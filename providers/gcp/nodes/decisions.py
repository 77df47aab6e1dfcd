"""Decisions about pools that the user left open, in words."""

from collections.abc import Iterator, Sequence

from components.fabric import Fabric
from components.plan.part import Decision
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.gcp.nodes.binding import capacity_word
from providers.gcp.types import (
    GcpCalendar,
    GcpFlex,
    GcpNodePoolPlan,
    GcpReserved,
)


def decisions(spec: StackSpec, plan: Sequence[GcpNodePoolPlan]) -> Iterator[Decision]:
    """Each pool's, in the spec's order."""
    asked = {pool.name: pool for pool in spec.cluster.node_pools}
    for pool in plan:
        path = f"cluster.nodePools.{pool.name}"
        yield _fabric(asked[pool.name], pool, path)
        if asked[pool.name].placement is None:
            yield _placement(pool, path)
        yield _nodes(pool, path)
        if pool.grown_by:
            value = f"{pool.min_count} to {pool.max_count} nodes, {pool.desired_now} at first"
            reason = f"{pool.grown_by} adds nodes while pods wait for them and takes those that idle"
            if pool.provisioning is not None:
                reason = "Kueue asks for all nodes of a job at once, and lets it in when they have come"
            yield Decision(path=f"{path}.maxCount", value=value, reason=reason)
        if asked[pool.name].root_disk_gib is None:
            reason = "accelerators' container images are large" if pool.machine.accelerator else "images and logs"
            yield Decision(path=f"{path}.rootDiskGib", value=f"{pool.boot_disk_gib} ({pool.boot_disk})", reason=reason)


def _fabric(asked: NodePoolSpec, pool: GcpNodePoolPlan, path: str) -> Decision:
    machine = pool.machine
    if pool.fabric is Fabric.RDMA:
        how = "devices claimed from GKE DRANET" if pool.dranet else f"{len(pool.networks)} further interfaces a node"
        value, reason = "RDMA over Converged Ethernet", f"{machine.fabric_gbps:g} Gbps a node; {how}"
    elif pool.slice is not None and pool.slice.nodes > 1:
        value, reason = "the slice's own", f"{pool.slice.chips} chips of a slice {pool.slice.topology} reach each other"
    elif asked.fabric_waived:
        value, reason = str(pool.fabric), asked.fabric_waived
    elif pool.fabric is Fabric.HOST:
        value, reason = str(pool.fabric), "one node: nothing crosses to another"
    else:
        value, reason = str(pool.fabric), "no accelerators: collectives run over TCP"
    return Decision(path=f"{path}.fabric", value=value, reason=reason)


def _placement(pool: GcpNodePoolPlan, path: str) -> Decision:
    if pool.compact:
        value, reason = "create", "nodes of a fabric must be close to each other"
    elif pool.slice is not None or pool.workload_policy:
        value, reason = "by topology", "chips of one slice or domain are wired to each other"
    elif isinstance(pool.capacity, GcpReserved | GcpCalendar):
        value, reason = "none", "a reservation places its machines itself, and refuses a second policy"
    elif isinstance(pool.capacity, GcpFlex):
        value, reason = "none", "GKE places machines of flex start itself"
    else:
        value, reason = "none", "no fabric: spread nodes fail less often together"
    return Decision(path=f"{path}.placement", value=value, reason=reason)


def _nodes(pool: GcpNodePoolPlan, path: str) -> Decision:
    groups = f" in {len(pool.groups)} node pools" if len(pool.groups) > 1 else ""
    value = f"{pool.machine.name} by {capacity_word(pool.capacity)} in {pool.zone}{groups}"
    driver = f"GKE installs NVIDIA's driver ({pool.driver.lower()}); " if pool.driver else ""
    if pool.min_driver:
        driver += f"the gate keeps out a node whose driver is below {pool.min_driver}: gcp.pools.{pool.name}.driver; "
    reason = f"{driver}{pool.max_pods} pods a node; GKE upgrades and repairs nodes, one at a time"
    return Decision(path=f"{path}.machineType", value=value, reason=reason)
