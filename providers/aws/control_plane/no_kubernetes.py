"""Problems of a stack file that asks for Kubernetes' own on a control plane that is none."""

from collections.abc import Iterator

from components.errors import Problem
from components.spec.stack import StackSpec


def kubernetes_only(spec: StackSpec, kind: str, scheduler: str) -> Iterator[Problem]:
    """A problem for each thing asked of Kubernetes, where `kind` has none: passed over, it would be missed."""
    cluster = spec.cluster
    remedy = "remove it, or set aws.controlPlane.kind to eks"
    if cluster.kubernetes_version is not None:
        what = (
            f"{cluster.kubernetes_version!r} is asked for, but controlPlane.kind is {kind!r}, which has no Kubernetes"
        )
        yield Problem(path="cluster.kubernetesVersion", message=f"{what}; {remedy}")
    for pool in cluster.node_pools:
        path = f"cluster.nodePools.{pool.name}"
        if pool.labels:
            what = f"{', '.join(sorted(pool.labels))}: {scheduler} has no node labels"
            yield Problem(path=f"{path}.labels", message=f"{what}; {remedy}")
        if pool.taints:
            keys = ", ".join(sorted(taint.key for taint in pool.taints))
            yield Problem(path=f"{path}.taints", message=f"{keys}: {scheduler} has no node taints; {remedy}")
