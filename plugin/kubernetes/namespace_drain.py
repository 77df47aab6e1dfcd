"""penstock:kubernetes:Drain: nothing, until it is deleted: then what outlives a cluster goes while controllers run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.errors import PenstockError
from components.labels import MANAGED_BY, POOL_LABEL
from plugin.calls import Call, Properties
from plugin.on_delete import OnDelete

if TYPE_CHECKING:
    from components.kubernetes.api import KubernetesApi

INPUTS: Mapping[str, type | tuple[type, ...]] = {"kubeconfig": str, "namespace": str, "patienceS": (int, float)}

OUTSIDE = (
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("v1", "PersistentVolumeClaim"),
)
"""Kinds behind which a controller makes something outside the cluster: load balancers, addresses, disks."""

MACHINES = ("karpenter.sh/v1", "NodeClaim")


def _delete(call: Call, outputs: Properties) -> None:
    """The namespace holds nothing that a cloud would go on billing; PenstockError names what stays, and why."""
    from plugin.kubernetes.cluster import unless_gone

    namespace, patience_s = outputs["namespace"], outputs["patienceS"]
    unless_gone(
        call, outputs, f"what controllers made for {namespace}", lambda api: _drain(call, api, namespace, patience_s)
    )  # fmt: skip


def _drain(call: Call, api: KubernetesApi, namespace: str, patience_s: float) -> None:
    from plugin.kubernetes.cluster import Patience
    from plugin.kubernetes.custom_resources import remove, stuck

    patience = Patience(call, api, patience_s)
    asked: set[str] = set()
    while left := list(_outside(api, namespace)):
        for one in left:
            if (uid := one["metadata"]["uid"]) not in asked:
                asked.add(uid)
                remove(api, one)
                call.voice.say(f"deletes {one['kind']} {one['metadata']['name']}, behind which a cloud holds something")
        if patience.over:
            raise PenstockError(f"still there after {patience_s:g} s: {stuck(left)}")
        call.voice.live(f"waits for {len(left)} things outside the cluster to go")
        patience.step()


def _outside(api: KubernetesApi, namespace: str) -> Iterator[dict[str, Any]]:
    for api_version, kind in OUTSIDE:
        for one in _listed(api, api_version, kind, namespace):
            if _is_outside(one):
                yield one
    yield from _listed(api, *MACHINES, None, labels=POOL_LABEL)


def _is_outside(one: Mapping[str, Any]) -> bool:
    """Of Services those with a load balancer; of claims those that a controller has made."""
    if one["kind"] == "Service":
        return bool(one["spec"].get("type") == "LoadBalancer")
    if one["kind"] == "PersistentVolumeClaim":
        return bool(one["metadata"].get("labels", {}).get(MANAGED_BY) != "penstock")
    return True


def _listed(
    api: KubernetesApi, api_version: str, kind: str, namespace: str | None, labels: str | None = None
) -> list[dict[str, Any]]:
    """Nothing where the cluster has no such kind."""
    from components.kubernetes.api import ApiError

    try:
        return api.list(api_version, kind, namespace, labels=labels)
    except ApiError as error:
        if error.status == 404:
            return []
        raise


DRAIN = OnDelete(inputs=lambda: INPUTS, delete=_delete)
