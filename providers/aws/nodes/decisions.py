"""Decisions about pools that the user left open."""

from collections.abc import Iterator, Sequence
from typing import Literal

from components.fabric import Fabric
from components.labels import POOL_LABEL
from components.plan.part import Decision
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.aws.nodes.binding import capacity_word
from providers.aws.nodes.scaling import AUTOSCALER
from providers.aws.nodes.zones import reserved_zone
from providers.aws.regions import regions
from providers.aws.settings import AwsSpec
from providers.aws.types import (
    KARPENTER,
    AwsNodePoolPlan,
    BlockCapacity,
    GivenGroup,
    NoGroup,
    OwnGroup,
    ReservedCapacity,
)

Kind = Literal["eks", "pcs", "batch"]
"""Of the control plane: who starts the machines."""


def decisions(spec: StackSpec, pools: Sequence[AwsNodePoolPlan]) -> tuple[Decision, ...]:
    """Each with its reason; a pool's fallback is told with the pool."""
    assert isinstance(spec.settings, AwsSpec)
    kind = spec.settings.control_plane.kind
    asked = {pool.name: pool for pool in spec.cluster.node_pools}
    return tuple(
        decision
        for pool in pools
        if pool.name in asked
        for decision in _of_pool(asked[pool.name], pool, kind, f"cluster.nodePools.{pool.name}")
    )


def _of_pool(asked: NodePoolSpec, pool: AwsNodePoolPlan, kind: Kind, path: str) -> Iterator[Decision]:
    yield _fabric(asked, pool, path)
    if asked.zone is None and reserved_zone(asked) is None:
        yield _zones(pool, path)
    if asked.placement is None:
        yield _placement(pool, path)
    yield from _capacity(asked, pool, path)
    if kind == "eks" and pool.in_managed_group:
        yield from _rebalanced(asked, pool, path)
    yield from _size(pool, path)
    yield _nodes(pool, kind, path)
    if asked.root_disk_gib is None:
        reason = "accelerators' container images are large" if pool.machine.accelerator else "images and logs"
        yield Decision(path=f"{path}.rootDiskGib", value=str(pool.root_disk_gib), reason=reason)


def _fabric(asked: NodePoolSpec, pool: AwsNodePoolPlan, path: str) -> Decision:
    machine = pool.machine
    if pool.fabric is Fabric.EFA:
        why = f" ({asked.fabric.wanted})" if asked.fabric and asked.fabric.wanted else ""
        reason = f"{machine.fabric_gbps:g} Gbps a node{why}; one primary interface and {pool.efa_devices} of efa-only"
    elif asked.fabric_waived:
        reason = asked.fabric_waived
    elif pool.fabric is Fabric.HOST:
        unused = "; its EFA stays unused without fabric: {wanted: <reason>}" if machine.max_efa else ""
        reason = f"one node: nothing crosses to another{unused}"
    else:
        reason = "no accelerators: collectives run over TCP"
    value = f"{pool.efa_devices} EFA devices a node" if pool.efa_devices else str(pool.fabric)
    return Decision(path=f"{path}.fabric", value=value, reason=reason)


def _zones(pool: AwsNodePoolPlan, path: str) -> Decision:
    reason = "the region's zones that offer the machine, three at most"
    if len(pool.zones) == 1:
        alone = (
            "EFA does not cross zones" if pool.fabric is Fabric.EFA else "one zone offers it, or a group asks for one"
        )
        named = any(region.is_name(pool.zones[0]) for region in regions().values())
        unsure = f"; accounts name zones differently, so check that yours has {pool.machine.name} there"
        reason = f"{alone}{unsure if named else ''}"
    return Decision(path=f"{path}.zone", value=", ".join(pool.zones), reason=reason)


def _placement(pool: AwsNodePoolPlan, path: str) -> Decision:
    match pool.placement, pool.capacity:
        case OwnGroup(name=name), _:
            value, reason = f"create {name}", "nodes of a fabric must be close to each other"
        case GivenGroup(name=name), _:
            value, reason = f"fromReservation: {name}", "the reservation was made there and can only be used there"
        case NoGroup(), BlockCapacity():
            value, reason = "none", "a capacity block places its machines itself, and fails in a placement group"
        case NoGroup(), ReservedCapacity():
            value, reason = "none", "the reservation was made outside any group, and a group could not use it"
        case _:
            value, reason = "none", "no fabric: spread nodes fail less often together"
    return Decision(path=f"{path}.placement", value=value, reason=reason)


def _capacity(asked: NodePoolSpec, pool: AwsNodePoolPlan, path: str) -> Iterator[Decision]:
    if isinstance(pool.capacity, BlockCapacity):
        block = pool.capacity
        later = [f"{change.nodes} from {change.at:%Y-%m-%dT%H:%MZ}" for change in pool.schedule]
        value = ", ".join([f"{pool.desired_now} nodes now", *later])
        reason = f"nodes are drained half an hour before the block ends at {block.ends_at:%Y-%m-%dT%H:%MZ}"
        yield Decision(path=f"{path}.capacity", value=value, reason=reason)
    if asked.capacity.spot is not None and asked.capacity.spot.fallback is not None:
        reason = f"{POOL_LABEL} is the same on both; {_fallback_grown_by(pool)}"
        value = f"a second pool at list price, 0 to {pool.max_count} nodes"
        yield Decision(path=f"{path}.capacity.spot.fallback", value=value, reason=reason)


def _rebalanced(asked: NodePoolSpec, pool: AwsNodePoolPlan, path: str) -> Iterator[Decision]:
    """Nodes that Auto Scaling replaces by itself in a group of EKS's, which takes no word about either.

    Sources: EKS User Guide, "Managed node group capacity types" (Capacity Rebalancing is on for Spot); EC2 Auto Scaling
    User Guide, "Suspend and resume processes" (AZRebalance); EKS API Reference, CreateNodegroup, has neither.
    """
    if asked.capacity.spot is not None:
        reason = (
            "EKS has Capacity Rebalancing on for spot: it drains a node once a new one is Ready; a gang starts again"
        )
        yield Decision(path=f"{path}.capacity.spot", value="nodes are replaced before EC2 takes them", reason=reason)
    if pool.grown_by == AUTOSCALER and pool.min_count != pool.max_count and len(pool.zones) > 1:
        value = f"nodes with work may move between {', '.join(pool.zones)}"
        reason = "Auto Scaling evens out zones when the autoscaler has taken nodes; a pool with a zone of its own stays"
        yield Decision(path=f"{path}.maxCount", value=value, reason=reason)


def _fallback_grown_by(pool: AwsNodePoolPlan) -> str:
    """Batch and PCS take either by the labels and features of their own queues."""
    if pool.grown_by != AUTOSCALER:
        return f"it is empty until {pool.grown_by} starts machines in it"
    return f"it is empty until the gate lacks spot machines, or {AUTOSCALER} finds none for pods that wait"


def _size(pool: AwsNodePoolPlan, path: str) -> Iterator[Decision]:
    """Growth, where something brings it."""
    if pool.by_karpenter:
        value = f"0 to {pool.max_count} nodes, none at first"
        takes = "nodes without pods" if pool.machine.accelerator else "nodes that are little used"
        reason = f"{KARPENTER} starts machines for pods that wait, and takes {takes}, none that a gang is on"
        yield Decision(path=f"{path}.maxCount", value=value, reason=reason)
    if pool.grown_by == AUTOSCALER and pool.min_count != pool.max_count:
        value = f"{pool.min_count} to {pool.max_count} nodes, {pool.desired_now} at first"
        takes = "none that is there" if pool.keeps_idle_nodes else "nodes that idle, down to the least"
        reason = f"{AUTOSCALER} adds nodes while pods wait for them and takes {takes}"
        yield Decision(path=f"{path}.maxCount", value=value, reason=reason)


def _nodes(pool: AwsNodePoolPlan, kind: Kind, path: str) -> Decision:
    disks = f", {pool.machine.nvme_gb} GB of local disks as one" if pool.machine.nvme_gb and kind == "eks" else ""
    image = f", {pool.ami_type}" if kind == "eks" else ""
    value = f"{pool.machine_names} by {capacity_word(pool.capacity)}{image}{disks}"
    return Decision(path=f"{path}.machineType", value=value, reason=_who_starts_them(pool, kind))


def _group(pool: AwsNodePoolPlan) -> tuple[str, str]:
    """The group of a pool on EKS, and the reason for it."""
    if pool.by_karpenter:
        return f"a NodePool of {KARPENTER}'s", "it starts each machine by itself"
    if pool.self_managed:
        return "an auto scaling group of penstock's own", "managed node groups take no resource group of UltraServers"
    return "a managed node group", "EKS updates and drains its nodes"


def _who_starts_them(pool: AwsNodePoolPlan, kind: Kind) -> str:
    match kind:
        case "pcs":
            return "a node group of PCS: Slurm starts nodes for jobs and stops them when idle"
        case "batch":
            return "a compute environment of Batch: machines run while a job does"
        case "eks":
            who, why = _group(pool)
            domain = (
                "; each gang has a ComputeDomain of its own (NVLink between nodes)"
                if pool.machine.compute_domain
                else ""
            )
            return f"{who}: {why}; {pool.max_pods} pods a node, {pool.addresses_per_node} addresses{domain}"
