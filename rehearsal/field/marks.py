"""Marks: labels, taints and annotations as Kubernetes takes them, and as the cloud's own request for a pool does."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, MachinePool, at

KEYS = "kubernetes.io, Labels and Selectors, Syntax and character set"
UNIQUE = "kubernetes/kubernetes, pkg/apis/core/validation, validateNodeTaints: taints are unique by key and effect"
KUBELET = (
    "kubernetes.io, Admission Controllers, NodeRestriction; kubelet: --node-labels refuses other kubernetes.io keys"
)
SIZE = "apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB: 256 KiB of annotations an object"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_OF_KUBERNETES = re.compile(r"(?:.*\.)?(?:kubernetes|k8s)\.io")
_OF_KUBELETS = re.compile(r"(?:.*\.)?(?:kubelet|node)\.kubernetes\.io")
MOST_BYTES = 2**18


def marks(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each mark of a pool or an object that is refused where it is set."""
    for pool in deployment.pools:
        if pool.told is None:  # nodes that are there carry what was taken already
            yield from _of_pool(deployment, pool)
    for body in deployment.objects:
        subject = f"{body.get('kind')} {at(body, 'metadata.name')}"
        for wrong, source in _of_object(body):
            yield Finding(rule="marks", subject=subject, message=wrong, source=source)


def _of_pool(deployment: Deployment, pool: MachinePool) -> Iterator[Finding]:
    taints = [(str(taint.get("key")), str(taint.get("effect"))) for taint in pool.taints]
    found = [(wrong, KEYS) for wrong in _of_labels(pool.labels)]
    found += [(wrong, KEYS) for key, _ in taints for wrong in _of_key(key)]
    found += [(f"two taints of {key} with {effect}", UNIQUE) for key, effect in _repeated(taints)]
    own = (key for key in pool.labels if key not in pool.by_cloud)
    found += [(f"a kubelet may not set {key}: no node joins", KUBELET) for key in own if _is_kept(key)]
    for row in deployment.facts.marks:
        keys = (*pool.labels, *(key for key, _ in taints))
        found += [(f"{key} has more than {row.longest_key} characters", row.source) for key in keys
                  if len(key) > row.longest_key]  # fmt: skip
        if not row.empty_values:
            found += [(f"{key} has no value", row.source) for key, value in pool.labels.items() if not value]
    for wrong, source in found:
        yield Finding(rule="marks", subject=f"pool {pool.name}", message=wrong, source=source)


def _of_object(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Problems of the metadata, selectors and taints of an object and of the templates in it."""
    for part in _mappings(body):
        metadata = part.get("metadata")
        if isinstance(metadata, Mapping):
            notes = metadata.get("annotations") or {}
            yield from ((wrong, KEYS) for wrong in _of_labels(metadata.get("labels") or {}))
            yield from ((wrong, KEYS) for key in notes for wrong in _of_key(key))
            size = sum(len(f"{key}{text}".encode()) for key, text in notes.items())
            if size > MOST_BYTES:
                yield f"{size} bytes of annotations", SIZE
        selectors = (part.get(name) for name in ("nodeSelector", "nodeLabels", "matchLabels"))
        yield from ((wrong, KEYS) for one in selectors if isinstance(one, Mapping) for wrong in _of_labels(one))
        taints = [(str(at(one, "key")), str(at(one, "effect"))) for one in part.get("nodeTaints") or ()]
        yield from ((f"two taints of {key} with {effect}", UNIQUE) for key, effect in _repeated(taints))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _mappings(part)


def _of_labels(labels: Mapping[str, Any]) -> Iterator[str]:
    for key, value in labels.items():
        yield from _of_key(key)
        if isinstance(value, str) and value and not (len(value) <= 63 and _NAME.fullmatch(value)):
            yield f"{value!r} of {key} is no label's value"


def _of_key(key: str) -> Iterator[str]:
    domain, slash, name = key.rpartition("/")
    right = len(name) <= 63 and _NAME.fullmatch(name)
    if slash:
        right = right and len(domain) <= 253 and _DOMAIN.fullmatch(domain)
    if not right:
        yield f"{key!r} is no key of a label, an annotation or a taint"


def _is_kept(key: str) -> bool:
    domain = key.rpartition("/")[0]
    return bool(_OF_KUBERNETES.fullmatch(domain)) and not _OF_KUBELETS.fullmatch(domain)


def _repeated(taints: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted({one for one in taints if taints.count(one) > 1})
