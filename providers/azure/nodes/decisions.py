"""Decisions about pools that the user left open, in words."""

from collections.abc import Iterator, Sequence

from components.fabric import Fabric
from components.plan.part import Decision
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.azure.nodes.binding import capacity_word
from providers.azure.types import AzureNodePoolPlan, DriverSource


def decisions(spec: StackSpec, plan: Sequence[AzureNodePoolPlan]) -> Iterator[Decision]:
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
            yield Decision(path=f"{path}.maxCount", value=value, reason=reason)
        if asked[pool.name].root_disk_gib is None:
            kind = "on the machine itself" if pool.ephemeral else "Premium SSD"
            reason = "accelerators' container images are large" if pool.machine.accelerator else "images and logs"
            yield Decision(path=f"{path}.rootDiskGib", value=f"{pool.disk_gib} ({kind})", reason=reason)


def _fabric(asked: NodePoolSpec, pool: AzureNodePoolPlan, path: str) -> Decision:
    machine = pool.machine
    if pool.fabric is Fabric.RDMA:
        value = "InfiniBand"
        reason = (
            f"{machine.fabric_gbps:g} Gbps a node by {machine.infiniband} cards; the pool is one partition, and no "
        )
        reason += "job spans two"
    elif asked.fabric_waived:
        value, reason = str(pool.fabric), asked.fabric_waived
    elif pool.fabric is Fabric.HOST:
        value, reason = str(pool.fabric), "one node: nothing crosses to another"
    else:
        value, reason = str(pool.fabric), "no accelerators: collectives run over TCP"
    return Decision(path=f"{path}.fabric", value=value, reason=reason)


def _placement(pool: AzureNodePoolPlan, path: str) -> Decision:
    if pool.machine.infiniband:
        reason = "machines with InfiniBand stand in a single placement group by themselves"
        return Decision(path=f"{path}.placement", value="the scale set's own", reason=reason)
    return Decision(path=f"{path}.placement", value="none", reason="no fabric: spread nodes fail less often together")


def _nodes(pool: AzureNodePoolPlan, path: str) -> Decision:
    where = f"zone {pool.zone}" if pool.zone else "a zone of Azure's choice"
    value = f"{pool.machine.name} by {capacity_word(pool.capacity)} in {where}"
    driver = {
        DriverSource.AKS: "the driver is the node image's; ",
        DriverSource.OPERATOR: "the GPU operator brings the driver; ",
        None: "",
    }[pool.driver]
    way = "one more" if pool.surge else "one less"
    reason = f"{driver}{pool.max_pods} pods a node; an upgrade takes one node after the other, with {way} meanwhile"
    return Decision(path=f"{path}.machineType", value=value, reason=reason)
