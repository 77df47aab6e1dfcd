"""Makeup of the nodes with accelerators on AWS: what, changed, rolls or replaces them.

Sources: EKS User Guide, "Update a managed node group" (a new version of the launch template or of Kubernetes replaces
every node); EKS API Reference, UpdateNodegroupConfig (all that it does not take makes another group); PCS User Guide,
"Compute node groups"; Batch User Guide, "Update compute environments" (infrastructure updates); EC2 Auto Scaling User
Guide, "Use an instance refresh": another version of the launch template starts every machine anew.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from components.node_changes import PoolMakeup
from providers.aws.control_plane.batch.plan import BatchPlan
from providers.aws.control_plane.eks.types import EksPlan
from providers.aws.control_plane.pcs.plan import PcsPlan
from providers.aws.nodes import user_data
from providers.aws.plan import AwsPlan
from providers.aws.tags import lasting
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, OnDemandCapacity, ReservedCapacity, SpotCapacity


def made_of(plan: AwsPlan) -> dict[str, PoolMakeup]:
    """The makeup of each pool with accelerators, by name."""
    return {
        pool.name: PoolMakeup(
            nodes=pool.node_count,
            machine_type=pool.machine.name,
            rolls=_rolls(plan, pool),
            replaces=_common(plan) | _replaces(plan, pool),
        )
        for pool in plan.node_pools
        if pool.machine.accelerator is not None
    }


def _common(plan: AwsPlan) -> dict[str, Any]:
    """Settings that cluster and network cannot change in place."""
    control = plan.control_plane
    there = plan.network.existing
    network = {"network.existing.vpc": there.vpc} if there else {"network.cidr": plan.network.cidr}
    return {**network, "region": plan.region, "controlPlane": _cluster(control)}


def _cluster(control: EksPlan | PcsPlan | BatchPlan) -> str:
    match control:
        case EksPlan():
            return f"EKS {control.name}, services in {control.service_cidr}"
        case PcsPlan():
            return "PCS"
        case BatchPlan():
            return "Batch"


def _rolls(plan: AwsPlan, pool: AwsNodePoolPlan) -> dict[str, Any]:
    """The launch template's own settings and the version; nothing of machines that HyperPod or Karpenter starts."""
    if pool not in plan.grouped_pools:
        return {}
    control, found = plan.control_plane, _template(pool)
    if isinstance(control, EksPlan):
        text = _startup(pool, control)
        found |= {"kubernetesVersion": control.version, "startup": hashlib.sha256(text.encode()).hexdigest()[:12]}
    if pool.release:
        found["nodeRelease"] = pool.release
    if not isinstance(control, PcsPlan) and not pool.alternatives:
        found["machineType"] = pool.machine.name
    return found | {"tags": _shown(lasting(plan.tags))}


def _startup(pool: AwsNodePoolPlan, control: EksPlan) -> str:
    """User data, without what the cluster's own replacement changes."""
    if not pool.self_managed:
        return user_data.managed(pool)
    joined = user_data.JoinedCluster(
        name=control.name, endpoint="", certificate_authority="", service_cidr=control.service_cidr
    )
    return f"{pool.image_parameter}\n{user_data.self_managed(pool, joined)}"


def _template(pool: AwsNodePoolPlan) -> dict[str, Any]:
    return {
        "rootDiskGib": pool.root_disk_gib,
        "interfaces": " ".join(f"{one.card}.{one.device} {one.kind}" for one in pool.interfaces),
        "placement": f"{type(pool.placement).__name__} {_shown(asdict(pool.placement))}".strip(),
        "reservation": _reservation(pool),
    }


def _reservation(pool: AwsNodePoolPlan) -> str:
    return pool.capacity.reservation if isinstance(pool.capacity, BlockCapacity | ReservedCapacity) else "none"


def _replaces(plan: AwsPlan, pool: AwsNodePoolPlan) -> dict[str, Any]:
    if pool in plan.karpenter_pools:
        return {"group": "none: Karpenter's machines, which stay as they are until they idle"}
    if pool not in plan.grouped_pools:
        return {"group": "HyperPod's", "machineType": pool.machine.name}
    if pool.self_managed:
        return {"group": "auto scaling group"}
    subnets = " ".join(sorted(f"{one.name} {one.id or one.cidr}" for one in plan.network.node_subnets(pool.zones)))
    found = {"group": "managed", "zone": subnets, "capacity": _market(pool)}
    if isinstance(plan.control_plane, EksPlan):
        found["image"] = pool.ami_type
    if isinstance(plan.control_plane, PcsPlan) or pool.alternatives:
        found["machineType"] = pool.machine_names
    return found


def _market(pool: AwsNodePoolPlan) -> str:
    match pool.capacity:
        case BlockCapacity():
            return "capacityBlock"
        case SpotCapacity():
            return "spot"
        case ReservedCapacity() | OnDemandCapacity():
            return "onDemand"


def _shown(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(values.items()))
