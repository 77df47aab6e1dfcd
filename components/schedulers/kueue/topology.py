"""Topology of a gang: the switches above a node, as Kueue's topology-aware scheduling takes them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from components.errors import Problem, SpecError
from components.kubernetes.devices import TPU
from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.work import JobPlan
from components.schedulers.topology import HOST, asks_for_nearness, domains, level, share_of_domain
from components.spec.scheduler import TopologyRequest

_ANNOTATION = "kueue.x-k8s.io/podset-{}-topology"
_SLICE_SIZE = "kueue.x-k8s.io/podset-slice-size"


def levels(pool: NodePoolPlan) -> tuple[str, ...]:
    """Labels from the widest domain to the single node; none where Kueue cannot place by topology.

    With the node as the lowest level Kueue counts what each node really has, taints included, and admits a gang only
    when every pod has its node: a gang is never half started, and a quarantined node is not counted on. It counts only
    nodes that are there and have every level's label. So a pool that may grow goes without: a job would wait for nodes
    that wait for the job. And jobs of a pool whose nodes come later, all at once, wait until they are there, and
    nobody has to open a queue (a capacity block). A slice of TPUs is one node pool, which JobSet gives to one job
    (GKE, "Run multi-slice workloads").
    """
    if pool.min_count < pool.max_count or not pool.binding.node_selector or TPU in pool.binding.devices:
        return ()
    return (*domains(pool), HOST)


def topology_name(keys: Sequence[str]) -> str:
    """The same for the same levels, and another for others: they cannot be changed."""
    return f"{NAMESPACE}-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:8]}"


def topologies(pools: Iterable[NodePoolPlan]) -> tuple[Manifest, ...]:
    """One for each list of levels that any pool has."""
    distinct = dict.fromkeys(keys for pool in pools if (keys := levels(pool)))
    return tuple(
        {
            "apiVersion": "kueue.x-k8s.io/v1beta2",
            "kind": "Topology",
            "metadata": {"name": topology_name(keys), "labels": dict(OWN_LABELS)},
            "spec": {"levels": [{"nodeLabel": key} for key in keys]},
        }
        for keys in distinct
    )


def placement_warnings(job: JobPlan, pool: NodePoolPlan) -> Iterator[str]:
    """A gang that could stand close together, on a pool where Kueue cannot see to it."""
    if asks_for_nearness(job, pool) and pool.min_count < pool.max_count:
        yield (
            f"cluster.nodePools.{pool.name}: may change size, and Kueue places by topology only on pools of a fixed "
            f"size; the gang of {job.nodes} nodes is placed without it; a pool whose minCount is its maxCount has it"
        )


def annotations(job: JobPlan, pool: NodePoolPlan) -> dict[str, str]:
    """Annotations of a pod template for its request; SpecError where it can never be met."""
    asked, placed = level(job, pool), levels(pool)
    if asked and not placed and job.topology is TopologyRequest.REQUIRED:
        message = (
            f"'required' needs existing nodes, and the pool '{pool.name}' may grow from {pool.min_count} to "
            f"{pool.max_count}; set its minCount and maxCount alike, or use preferred"
        )
        raise SpecError([Problem(path="training.topology", message=message)])
    if not placed:
        return {}
    if not asked:
        return {_ANNOTATION.format("unconstrained"): "true"}
    if job.topology is TopologyRequest.REQUIRED and (share := share_of_domain(job, pool)) < job.nodes:
        return {_ANNOTATION.format("slice-required"): asked, _SLICE_SIZE: str(share)}
    return {_ANNOTATION.format(job.topology): asked}
