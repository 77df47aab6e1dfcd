"""Labels and taints of a pool on AWS: EKS's own limits, and keys that are not the user's to set."""

from collections.abc import Iterator

from components.errors import Problem
from components.labels import DOMAIN
from components.spec.cluster import NodePoolSpec

_RESERVED = ("kubernetes.io", "k8s.io", "k8s.aws", "eks.amazonaws.com", "karpenter.sh", DOMAIN)
"""Domains of labels that Kubernetes, AWS and penstock set themselves. Most of the first two a kubelet may not set
(admission plugin NodeRestriction), the third says where EC2 has put a node, EKS refuses its own (CreateNodegroup), and
a NodePool Karpenter's.
"""

LONGEST_KEY = 63
"""Of labels and taints of a node group, domain and slash among them (EKS API Reference, CreateNodegroup: label key,
Taint). Kubernetes itself takes 253 before the slash."""

MOST_LABELS, MOST_TAINTS = 50, 50
"""Of an EKS node group (service quotas), penstock's own among them."""
_OWN_LABELS, _OWN_TAINTS = 3, 1


def mark_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    """Labels and taints of a pool that EKS or a kubelet would refuse."""
    for key, value in pool.labels.items():
        yield from _key_problems(key, f"{path}.labels")
        if not value:
            message = f"'' of {key}: EKS takes no label without a value (CreateNodegroup); write {key}: \"true\""
            yield Problem(path=f"{path}.labels", message=message)
    for taint in pool.taints:
        yield from _key_problems(taint.key, f"{path}.taints")
    for kind, count, most in (
        ("labels", len(pool.labels), MOST_LABELS - _OWN_LABELS),
        ("taints", len(pool.taints), MOST_TAINTS - _OWN_TAINTS),
    ):
        if count > most:
            message = f"{count} of them; a node group has room for {most} beside penstock's own; remove some"
            yield Problem(path=f"{path}.{kind}", message=message)


def _key_problems(key: str, path: str) -> Iterator[Problem]:
    domain = key.rpartition("/")[0]
    if len(key) > LONGEST_KEY:
        message = f"{key!r} has {len(key)} characters; EKS takes {LONGEST_KEY} at most: choose a shorter domain or name"
        yield Problem(path=path, message=message)
    for reserved in _RESERVED:
        if domain == reserved or domain.endswith(f".{reserved}"):
            message = f"{key!r}: what begins with {reserved} is not set by hand; take a domain of your own, or none"
            yield Problem(path=path, message=message)
