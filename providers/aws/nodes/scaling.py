"""Growth of pools: which may change their size while the stack stands, and what changes it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.errors import Problem
from components.labels import DOMAIN
from components.platform.values import value_at
from components.spec.cluster import NodePoolSpec
from components.spec.stack import StackSpec
from providers.aws.karpenter_asked import runs_karpenter
from providers.aws.settings import AwsSpec
from providers.aws.types import KARPENTER, AwsNodePoolPlan

AUTOSCALER = "cluster-autoscaler"
"""The add-on that changes the size of node groups (kubernetes/autoscaler). Nothing else on EKS does: a node group by
itself stays as it is, and Karpenter starts machines of its own beside it (EKS Best Practices Guide, Autoscaling)."""

GROWS_TAG = f"{DOMAIN}/grows"
"""Tag of the auto scaling groups that the autoscaler may see: not of a fixed pool, nor of a capacity block, whose
machines are paid for whether they work or not."""

_NODE_TEMPLATE = "k8s.io/cluster-autoscaler/node-template/resources"

_KEEPS_IDLE = tuple(
    f"k8s.io/cluster-autoscaler/node-template/autoscaling-options/scaledown{which}utilizationthreshold"
    for which in ("", "gpu")
)
"""Tags with the share in use below which a node of the group counts as idle: none is below 0
(cluster-autoscaler/cloudprovider/aws/README.md, "Auto-Discovery Setup")."""

OF_ITS_OWN = {"pcs": "Slurm", "batch": "Batch"}
"""Control planes that start and stop machines by themselves."""


OwnValues = Mapping[str, tuple[str, str]]
"""By path in a chart's values, the only one that works, empty where none can be given, and the reason."""


def grown_by(pool: NodePoolSpec, spec: StackSpec) -> str:
    """Software that changes the pool's size, or turns to its fallback; empty for a pool that stays as it is."""
    assert isinstance(spec.settings, AwsSpec)
    if not may_change(pool):
        return ""
    return OF_ITS_OWN.get(spec.settings.control_plane.kind, KARPENTER if runs_karpenter(spec) else AUTOSCALER)


def has_fallback(pool: NodePoolSpec) -> bool:
    return pool.capacity.spot is not None and pool.capacity.spot.fallback is not None


def autoscaled(spec: StackSpec, pools: Sequence[AwsNodePoolPlan]) -> bool:
    """True if the cluster autoscaler runs: the user's word, else where a pool needs it."""
    asked = spec.platform.addons.get(AUTOSCALER)
    if asked is not None and asked.enabled is not None:
        return asked.enabled
    return any(pool.grown_by == AUTOSCALER for pool in pools)


def scaling_problems(spec: StackSpec) -> Iterator[Problem]:
    """Pools that could change size, where the user has switched off what changes it; and a least size that would keep
    the autoscaler from a pool's fallback.
    """
    assert isinstance(spec.settings, AwsSpec)
    asked = spec.platform.addons.get(AUTOSCALER)
    hyper = spec.settings.hyper_pod
    if spec.settings.control_plane.kind in OF_ITS_OWN:
        return
    if runs_karpenter(spec):
        return
    for pool in spec.cluster.node_pools:
        if has_fallback(pool) and pool.min_count:
            yield Problem(path=f"cluster.nodePools.{pool.name}.minCount", message=_held_back(pool.min_count))
    if asked is None or asked.enabled is not False:
        yield from value_problems(AUTOSCALER, asked.values if asked else {}, _own_values(spec))
        return
    nobody = f"platform.addons.{AUTOSCALER} is false, and nothing else changes the size of a node group"
    for pool in spec.cluster.node_pools:
        path = f"cluster.nodePools.{pool.name}"
        if hyper is not None and pool.name in hyper.pools:
            continue  # whose groups have a fixed size, which is told there
        if _ranged(pool):
            key = "maxCount" if pool.max_count is not None else "minCount"
            message = f"{pool.least} to {pool.most} nodes, but {nobody}; switch it on, or remove minCount and maxCount"
            yield Problem(path=f"{path}.{key}", message=message)
        if has_fallback(pool):
            message = f"an empty pool that would stay so: {nobody}; switch it on, or remove the fallback"
            yield Problem(path=f"{path}.capacity.spot.fallback", message=message)


def _own_values(spec: StackSpec) -> OwnValues:
    """Those by which the autoscaler has its rights, its groups and its order."""
    ours: dict[str, tuple[str, str]] = {
        "cloudProvider": ("aws", "its node groups are EKS's"),
        "awsRegion": (spec.cluster.region or "", "the stack's groups are there"),
        "rbac.serviceAccount.name": (AUTOSCALER, "the role that may resize groups is given to that account"),
        "autoDiscovery.clusterName": ("", "it is told this cluster's"),
        "autoDiscovery.tags": ("", f"it may see groups with the tag {GROWS_TAG} alone: others would be shrunk"),
    }
    if any(map(has_fallback, spec.cluster.node_pools)):
        ours["extraArgs.expander"] = ("priority", "spot machines come before those of their fallback by that alone")
        ours["expanderPriorities"] = ("", "spot machines come before those of their fallback by the plan's own")
    return ours


def value_problems(addon: str, values: Mapping[str, Any], ours: OwnValues) -> Iterator[Problem]:
    """Values of an add-on's chart in place of those with which it works here."""
    for path, (only, why) in ours.items():
        asked = value_at(values, path)
        if asked is not None and asked != (only or None):
            right = f"{only!r} is what works" if only else "none can be given"
            where = f"platform.addons.{addon}.values.{path}"
            yield Problem(path=where, message=f"{asked!r}, but {right}, as {why}; remove it")


def _held_back(least: int) -> str:
    """An autoscaler that may not go below the least neither takes back nodes that do not come, nor adds others in their
    place: it counts them as coming (kubernetes/autoscaler, cloudprovider/aws/aws_cloud_provider.go, `DeleteNodes`;
    clusterstate.go, `GetUpcomingNodes`).
    """
    return (
        f"{least}, but with a fallback spot machines may be fewer: {AUTOSCALER} would wait for {least} of them and "
        "never turn to the fallback; remove it: nodes of a fixed count that are there stay"
    )


def autoscaler_tags(pool: AwsNodePoolPlan) -> Mapping[str, str]:
    """Tags of the pool's auto scaling group; none where the autoscaler does not change it.

    Labels and taints of an empty group the autoscaler reads from EKS, GPUs from EC2; other devices and huge pages of
    a node it learns from tags (cluster-autoscaler/cloudprovider/aws/README.md, "Auto-Discovery Setup").
    """
    if pool.grown_by != AUTOSCALER:
        return {}
    stays = dict.fromkeys(_KEEPS_IDLE, "0") if pool.keeps_idle_nodes else {}
    pages = {"hugepages-2Mi": f"{pool.binding.huge_pages_mib}Mi"} if pool.binding.huge_pages_mib else {}
    devices = {name: str(count) for name, count in pool.binding.devices.items()}
    resources = {f"{_NODE_TEMPLATE}/{name}": amount for name, amount in {**devices, **pages}.items()}
    return {GROWS_TAG: "true", **resources, **stays}


def may_change(pool: NodePoolSpec) -> bool:
    """True for a pool whose size is not fixed: a range, or a place to turn to."""
    return _ranged(pool) or has_fallback(pool)


def _ranged(pool: NodePoolSpec) -> bool:
    """A block's size follows its times alone, and a range there is refused."""
    return pool.capacity.capacity_block is None and pool.least != pool.most
