"""Karpenter, as far as a rehearsal needs it: a machine for a pod that no node takes, gone with its NodePool.

Whether a machine of the type has room for the pod is the field rules' matter: the node has what the pod asks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.field.deployed import at
from rehearsal.kubernetes import nodes
from rehearsal.kubernetes.admission import CHART, is_available
from rehearsal.kubernetes.objects import Body, Objects

POOLS, CLAIMS = "karpenter.sh|NodePool|", "karpenter.sh|NodeClaim|"
OF_POOL = "karpenter.sh/nodepool"
"""Label of a NodeClaim and of its node (Karpenter, Concepts, NodeClaims)."""


def start(objects: Objects, pod: Mapping[str, Any]) -> None:
    """Starts a machine of the heaviest NodePool that takes the pod and has not reached its limit."""
    if not _runs(objects):
        return
    pools = sorted(_pools(objects), key=lambda pool: -int(at(pool, "spec.weight") or 0))
    for pool in pools:
        name, taken = pool["metadata"]["name"], len(list(claims_of(objects, pool["metadata"]["name"])))
        made = _node(pool, f"{name}-{taken + 1}", pod)
        if taken < int(at(pool, "spec.limits.nodes") or 1) and not nodes.why_not(made, pod):
            _begin(objects, pool, made)
            return


def claims_of(objects: Objects, pool: str) -> Iterator[str]:
    """Keys of the machines of a NodePool."""
    for key, body in objects.all():
        if key.startswith(CLAIMS) and (body["metadata"].get("labels") or {}).get(OF_POOL) == pool:
            yield key


def _runs(objects: Objects) -> bool:
    return any(
        key.startswith("apps|Deployment|")
        and (body["metadata"].get("labels") or {}).get(CHART) == "karpenter"
        and is_available(body)
        for key, body in objects.all()
    )


def _pools(objects: Objects) -> Iterator[Body]:
    for key, body in objects.all():
        if key.startswith(POOLS) and "deletionTimestamp" not in body["metadata"]:
            yield body


def _node(pool: Body, name: str, pod: Mapping[str, Any]) -> Body:
    template = pool["spec"]["template"]
    asked = {one["key"]: one["values"][0] for one in template["spec"]["requirements"] if one["operator"] == "In"}
    marks = {**asked, **(at(template, "metadata.labels") or {}), OF_POOL: pool["metadata"]["name"]}
    room = {key: str(amount) for key, amount in nodes.requests(pod).items()}
    return nodes.node(name, f"{OF_POOL}/{pool['metadata']['name']}", marks, template["spec"].get("taints") or (), room)


def _begin(objects: Objects, pool: Body, node: Body) -> None:
    name = node["metadata"]["name"]
    spec = {key: pool["spec"]["template"]["spec"][key] for key in ("nodeClassRef", "requirements")}
    claim = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {
            "name": name,
            "labels": {OF_POOL: pool["metadata"]["name"]},
            "finalizers": ["karpenter.sh/termination"],
        },
        "spec": spec,
    }
    objects.add(f"{CLAIMS}|{name}", claim)
    owner = {"kind": "NodeClaim", "name": name, "uid": claim["metadata"]["uid"]}  # type: ignore[index]
    node["metadata"]["ownerReferences"] = [owner]
    node["metadata"].setdefault("labels", {})
    objects.add(f"|Node||{name}", node)
