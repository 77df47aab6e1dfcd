"""The NVLink domain of a gang whose accelerators reach those of other machines (GB200, GB300)."""

from dataclasses import replace

from components.labels import OWN_LABELS
from components.plan.cluster import NodePoolPlan, ResourceClaim
from components.plan.kubernetes import NAMESPACE, Manifest

CLAIM = "compute-domain"


def spans(pool: NodePoolPlan, nodes: int) -> bool:
    """True for pods on so many nodes that share memory over NVLink, which takes a domain of their own."""
    return pool.machine.compute_domain and nodes > 1


def compute_domains(pool: NodePoolPlan, nodes: int, name: str) -> tuple[Manifest, ...]:
    """The ComputeDomain of the pods that are called `name`; none where no NVLink leads from node to node.

    NVIDIA's driver makes the template of their claims from it, and starts IMEX on each node that one of them comes to.
    Nodes of several racks are parts of their own inside it: NVLink ends at the rack, and the fabric joins them. Without
    a number of nodes, so that a gang that starts again on others is not held up (0 is the definition's default).
    """
    if not spans(pool, nodes):
        return ()
    spec = {"numNodes": 0, "channel": {"resourceClaimTemplate": {"name": _template(name)}}}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": dict(OWN_LABELS)}
    return ({"apiVersion": "resource.nvidia.com/v1beta1", "kind": "ComputeDomain", "metadata": metadata, "spec": spec},)


def in_domain(pool: NodePoolPlan, nodes: int, name: str) -> NodePoolPlan:
    """The pool as those pods are bound to it: each claims a channel of the domain."""
    if not spans(pool, nodes):
        return pool
    claim = ResourceClaim(name=CLAIM, template=_template(name))
    claims = (*pool.binding.resource_claims, claim)
    return replace(pool, binding=replace(pool.binding, resource_claims=claims))


def _template(name: str) -> str:
    return f"{name}-channel"
