"""Pools whose machines Karpenter starts: what it cannot have, its chart's values, and its NodePools. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.errors import Problem
from components.estimate.nodes import EVICTION_GIB, Room
from components.fabric import Fabric
from components.labels import STACK
from components.plan.kubernetes import Manifest
from components.spec.cluster import Nat, NodePoolSpec, PlacementKind
from components.spec.stack import StackSpec
from providers.aws.catalog import Arch, AwsMachine
from providers.aws.karpenter_asked import runs_karpenter
from providers.aws.network.types import ROLE_TAG, NetworkPlan
from providers.aws.nodes.scaling import AUTOSCALER, may_change, value_problems
from providers.aws.types import AMAZON_LINUX_ROOT, KARPENTER, AwsNodePoolPlan, SpotCapacity

ACCOUNT = KARPENTER
"""Service account of the controller, which alone has the right to start machines."""

_IDLE = "10m"
"""Time without work after which a machine goes: that of the cluster autoscaler too (kubernetes/autoscaler, FAQ,
`--scale-down-unneeded-time`)."""

_OTHERWISE = f"or remove platform.addons.{KARPENTER}: {AUTOSCALER} then grows it in a group"


def profile_name(stack: str, region: str) -> str:
    """Name of the instance profile of its machines: IAM has one space of names for all regions."""
    return f"{stack}-{region}-{KARPENTER}"


def karpenter_problems(spec: StackSpec, fabrics: Mapping[str, Fabric]) -> Iterator[Problem]:
    """Pools that Karpenter would grow and cannot, and values that would take its cluster, queue or rights from it.

    `fabrics`: by the name of a pool whose machine type there is.
    """
    if not runs_karpenter(spec):
        return
    yield from value_problems(KARPENTER, spec.platform.addons[KARPENTER].values, _OWN_VALUES)
    grown = [pool for pool in spec.cluster.node_pools if may_change(pool)]
    if not grown:
        message = "true, but no pool may change its size, so it would start nothing; remove it, or give a pool count: 0"
        yield Problem(path=f"platform.addons.{KARPENTER}", message=f"{message}, minCount: 0 and a maxCount")
    for pool in grown:
        yield from _pool_problems(pool, fabrics.get(pool.name))


_OWN_VALUES = {
    "settings.clusterName": ("", "it is told this cluster's"),
    "settings.interruptionQueue": ("", "it is told of the queue that the stack makes"),
    "settings.vmMemoryOverheadPercent": ("", "jobs and services are sized by the chart's own 0.075"),
    "serviceAccount.name": (ACCOUNT, "the role that may start machines is given to that account"),
}


def _pool_problems(pool: NodePoolSpec, fabric: Fabric | None) -> Iterator[Problem]:
    path = f"cluster.nodePools.{pool.name}"
    if pool.capacity.reservation is not None:
        message = f"{pool.least} to {pool.most} nodes of a reservation, which is paid for whether {KARPENTER} starts "
        message += f"machines or not; remove minCount and maxCount, {_OTHERWISE}"
        yield Problem(path=f"{path}.capacity.reservation", message=message)
    elif fabric is Fabric.EFA:
        message = f"{pool.least} to {pool.most} nodes with EFA, whose pods ask for huge pages: {KARPENTER} knows none "
        message += f"of a machine that is not there, and would start none; remove minCount and maxCount, {_OTHERWISE}"
        yield Problem(path=f"{path}.{_ranged_by(pool)}", message=message)
    elif pool.placement is not None and pool.placement.kind is not PlacementKind.NONE:
        message = f"{pool.placement.kind.value!r}, but a placement group that grows by single machines soon finds no "
        message += f"room beside the first; leave it out, {_OTHERWISE}"
        yield Problem(path=f"{path}.placement", message=message)
    elif pool.count:
        left_out = "" if "count" in pool.model_fields_set else "left out it is "
        message = f"{left_out}{pool.count}, but {KARPENTER} starts machines for pods that wait, and keeps no least of "
        message += f"them; set count: 0, minCount: 0 and maxCount: {pool.most}, {_OTHERWISE}"
        yield Problem(path=f"{path}.count", message=message)


def _ranged_by(pool: NodePoolSpec) -> str:
    if pool.max_count is not None:
        return "maxCount"
    return "minCount" if pool.min_count is not None else "capacity.spot.fallback"


def karpenter_values(cluster: str, network: NetworkPlan) -> Mapping[str, Any]:
    """Values of its chart; the queue's name only building tells.

    Without a way out it cannot ask for prices, and takes those that it was built with (Karpenter, Private Clusters).
    """
    isolated = {"isolatedVPC": True} if network.nat is Nat.NONE else {}
    return {"settings": {"clusterName": cluster, **isolated}, "serviceAccount": {"name": ACCOUNT}}


def counted(types: Sequence[AwsMachine], most_pods: int, room: Room) -> Room:
    """Resources of a node as far as Karpenter counts on them before it has seen one: it takes a part of the memory off
    for the hypervisor, and starts no machine for a pod beyond the rest.

    Source: aws/karpenter-provider-aws v1.14, pkg/providers/instancetype/types.go (memory, kubeReservedResources,
    evictionThreshold), and its chart's `vmMemoryOverheadPercent`.
    """
    reserved_gib = (_RESERVED_MIB + _RESERVED_MIB_PER_POD * most_pods) / 1024 + EVICTION_GIB
    least_gib = min(machine.memory_gib - (_ARM_MIB / 1024 if machine.arch is Arch.ARM64 else 0) for machine in types)
    expected_gib = least_gib * (1 - _OVERHEAD) - 1 / 1024 - reserved_gib
    return replace(room, memory_gib=max(0.0, min(room.memory_gib, expected_gib)))


_OVERHEAD, _RESERVED_MIB, _RESERVED_MIB_PER_POD, _ARM_MIB = 0.075, 255, 11, 64


def node_pools(
    pools: Sequence[AwsNodePoolPlan], network: NetworkPlan, stack: str, tags: Mapping[str, str]
) -> tuple[Manifest, ...]:
    """An EC2NodeClass and a NodePool for each of its pools, in that order: they go in the reverse one."""
    grown = [pool for pool in pools if pool.by_karpenter]
    classes = [_node_class(pool, network, stack, tags) for pool in grown]
    return (*classes, *(_node_pool(pool, network.region) for pool in grown))


def _node_class(pool: AwsNodePoolPlan, network: NetworkPlan, stack: str, tags: Mapping[str, str]) -> Manifest:
    """The machines as a node group's launch template has them (Karpenter, NodeClasses)."""
    disk = {
        "volumeSize": f"{pool.root_disk_gib}Gi",
        "volumeType": "gp3",
        "encrypted": True,
        "deleteOnTermination": True,
    }
    whole = {"instanceStorePolicy": "RAID0"} if all(machine.nvme_gb for machine in pool.machine_types) else {}
    given = network.existing.node_group if network.existing else ""
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": pool.name},
        "spec": {
            "amiSelectorTerms": [{"alias": _image(pool.release)}],
            "instanceProfile": profile_name(stack, network.region),
            "subnetSelectorTerms": _subnets(pool, network, stack),
            "securityGroupSelectorTerms": [
                {"tags": {"aws:eks:cluster-name": stack}},
                *([{"id": given}] if given else []),
            ],
            "blockDeviceMappings": [{"deviceName": AMAZON_LINUX_ROOT, "rootVolume": True, "ebs": disk}],
            "kubelet": {"maxPods": pool.max_pods},
            "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
            "tags": {**tags, "Name": f"{stack}-{pool.name}"},
            **whole,
        },
    }


def _image(release: str) -> str:
    """EKS's image of that release, `1.35.2-20260801`, or the newest (Karpenter, NodeClasses, spec.amiSelectorTerms)."""
    return f"al2023@v{release.rpartition('-')[2]}" if release else "al2023@latest"


def _subnets(pool: AwsNodePoolPlan, network: NetworkPlan, stack: str) -> list[Manifest]:
    """Those that were there before by their ids; the stack's own by the tags that it gives them."""
    if network.existing:
        return [{"id": subnet.id} for subnet in network.node_subnets(pool.zones)]
    return [{"tags": {STACK: stack, ROLE_TAG["nodes"]: "1"}}]


def _node_pool(pool: AwsNodePoolPlan, region: str) -> Manifest:
    """Spot machines with a fallback come before it, by weight. No machine ends because of its age, and one with
    accelerators not for another image either: it would take a gang with it, and go when it idles anyhow.
    """
    accelerated = pool.machine.accelerator is not None
    held = {"budgets": [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "0", "reasons": ["Drifted"]}]}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": pool.name},
        "spec": {
            "template": {
                "metadata": {"labels": dict(pool.labels)},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": pool.name},
                    "requirements": _requirements(pool, region),
                    **({"taints": _taints(pool)} if pool.taints else {}),
                    "expireAfter": "Never",
                },
            },
            "disruption": {
                "consolidationPolicy": "WhenEmpty" if accelerated else "WhenEmptyOrUnderutilized",
                "consolidateAfter": _IDLE,
                **(held if accelerated else {}),
            },
            "limits": {"nodes": str(pool.max_count)},
            **({"weight": 50} if pool.fallback else {}),
        },
    }


def _taints(pool: AwsNodePoolPlan) -> list[Manifest]:
    return [{"key": one.key, "value": one.value, "effect": one.effect.value} for one in pool.taints]


def _requirements(pool: AwsNodePoolPlan, region: str) -> list[Manifest]:
    """Machine types, market and zones, which go by id where they are not by name (Karpenter, Scheduling, Well-Known
    Labels).
    """
    market = "spot" if isinstance(pool.capacity, SpotCapacity) else "on-demand"
    by_id = not any(zone.startswith(region) for zone in pool.zones)
    wanted = {
        "node.kubernetes.io/instance-type": [machine.name for machine in pool.machine_types],
        "karpenter.sh/capacity-type": [market],
        "topology.k8s.aws/zone-id" if by_id else "topology.kubernetes.io/zone": list(pool.zones),
    }
    return [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()]
