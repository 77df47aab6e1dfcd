"""How close a gang is placed: the switches above a node, as Kueue's topology-aware scheduling takes them."""

import hashlib
from collections.abc import Iterable, Sequence

from components.errors import Problem, SpecError
from components.plan.kubernetes import NAMESPACE, Manifest
from components.plan.types import JobPlan, NodePoolPlan
from components.spec.scheduler import TopologyRequest

HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
_ANNOTATION = "kueue.x-k8s.io/podset-{}-topology"


def levels(pool: NodePoolPlan) -> tuple[str, ...]:
    """Labels from the widest domain to the single node; none where Kueue cannot place by topology.

    With the node as the lowest level Kueue counts what each node really has, taints included, and admits a gang only
    when every pod has its node: a gang is never half started, and a quarantined node is not counted on. It counts only
    nodes that are there, so a pool that may grow goes without: a job would wait for nodes that wait for the job.
    """
    if pool.min_count < pool.max_count or not pool.binding.node_selector:
        return ()
    return (*(key for key in pool.binding.topology_keys if key != HOST), HOST)


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
            "metadata": {"name": topology_name(keys), "labels": {"app.kubernetes.io/managed-by": "penstock"}},
            "spec": {"levels": [{"nodeLabel": key} for key in keys]},
        }
        for keys in distinct
    )


def annotations(job: JobPlan, pool: NodePoolPlan) -> dict[str, str]:
    """What a pod template carries for its request; SpecError where it can never be met.

    `preferred` names the narrowest domain: Kueue tries it, then wider ones, then spreads the gang.
    `required` names the widest domain of the network that is narrower than a zone. Nobody knows at this point how many
    nodes a switch has, and a gang that requires one that is too small waits for ever. Below the domain it requires
    Kueue still takes the fewest narrower ones.
    """
    keys = levels(pool)
    network = [key for key in keys if key != HOST]
    if job.topology is TopologyRequest.REQUIRED and not network:
        raise SpecError([Problem(path="training.topology", message=_no_topology(pool))])
    if not keys:
        return {}
    if job.topology is TopologyRequest.NONE or not network:
        return {_ANNOTATION.format("unconstrained"): "true"}
    if job.topology is TopologyRequest.PREFERRED:
        return {_ANNOTATION.format("preferred"): network[-1]}
    narrower = [key for key in network if key != ZONE]
    return {_ANNOTATION.format("required"): (narrower or network)[0]}


def _no_topology(pool: NodePoolPlan) -> str:
    if pool.binding.topology_keys:
        return (
            f"'required' needs nodes that are there, and the pool '{pool.name}' may grow from {pool.min_count} to "
            f"{pool.max_count}; set its minCount and maxCount alike, or use preferred"
        )
    return f"'required', but the nodes of the pool '{pool.name}' do not say where they are; use preferred or none"
