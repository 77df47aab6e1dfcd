"""Labels and taints: Kubernetes' form of them, and which are not the user's to set."""

import re
from collections.abc import Iterator

from components.errors import Problem
from components.labels import DOMAIN
from components.spec.cluster import NodePoolSpec

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_RESERVED = ("kubernetes.io", "k8s.io", "eks.amazonaws.com", DOMAIN)
"""Domains of labels that Kubernetes, EKS and penstock set themselves. Most of the first two a kubelet may not set
(admission plugin NodeRestriction), and EKS refuses its own (CreateNodegroup)."""

MOST_LABELS, MOST_TAINTS = 50, 50
"""Of an EKS node group (service quotas), penstock's own among them."""
_OWN_LABELS, _OWN_TAINTS = 2, 1


def mark_problems(pool: NodePoolSpec, path: str) -> Iterator[Problem]:
    """Labels and taints of a pool that Kubernetes or EKS would refuse."""
    for key, value in pool.labels.items():
        yield from _key_problems(key, f"{path}.labels")
        yield from _value_problems(key, value, f"{path}.labels")
    for taint in pool.taints:
        yield from _key_problems(taint.key, f"{path}.taints")
        yield from _value_problems(taint.key, taint.value, f"{path}.taints")
    for key, count, most in (
        ("labels", len(pool.labels), MOST_LABELS - _OWN_LABELS),
        ("taints", len(pool.taints), MOST_TAINTS - _OWN_TAINTS),
    ):
        if count > most:
            message = f"{count} of them; a node group has room for {most} beside penstock's own"
            yield Problem(path=f"{path}.{key}", message=message)


def _key_problems(key: str, path: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.fullmatch(name) or (slash and (len(prefix) > 253 or not _PREFIX.fullmatch(prefix))):
        message = (
            f"{key!r} is not a key of Kubernetes: letters, digits, dashes, dots and underscores, 63 at most, a letter"
            " or digit at both ends, and before a slash a domain where it has one"
        )
        yield Problem(path=path, message=message)
    for domain in _RESERVED:
        if prefix == domain or prefix.endswith(f".{domain}"):
            message = f"{key!r}: what begins with {domain} is not set by hand; take a domain of your own, or none"
            yield Problem(path=path, message=message)


def _value_problems(key: str, value: str, path: str) -> Iterator[Problem]:
    if not _VALUE.fullmatch(value):
        message = (
            f"{value!r} of {key} is not a value of Kubernetes: letters, digits, dashes, dots and underscores, 63 at"
            " most, a letter or digit at both ends"
        )
        yield Problem(path=path, message=message)
