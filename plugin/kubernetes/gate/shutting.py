"""Pools that are shut: their nodes marked, and no work bound to any node of theirs, those that come later included.

A node that joins while nobody looks has no mark. So the API server itself refuses the binding of a pod to a node with
the pool's labels (ValidatingAdmissionPolicy, whose parameters are the nodes): every scheduler binds through it, keeps
the pod, and asks again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from components.kubernetes.api import ApiError, KubernetesApi
from components.labels import CHECK_LABEL, OWN_LABELS
from components.plan.kubernetes import NAMESPACE, Manifest
from components.schedulers.slurm.plan import SLURM_NAMESPACE
from plugin.kubernetes.gate.pods import MARK
from plugin.kubernetes.gate.quarantine import fence
from plugin.kubernetes.gate.waiting import listed

GROUP = "admissionregistration.k8s.io/v1"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
NAME = "penstock-gate"
FORBIDDEN = 403
LABELS = {**OWN_LABELS, CHECK_LABEL: "gate"}

Pool = Mapping[str, Any]


def shut(api: KubernetesApi, pools: Sequence[Pool], closed: Collection[str], opened: Collection[str]) -> str:
    """The pools `closed`, and no others, are shut. A node that is an open pool's too stays open.

    Returns, in words, what could not be done; empty where all is done.
    """
    nodes = {pool["pool"]: {node["metadata"]["name"] for node in listed(api, pool)} for pool in pools}
    open_nodes = {node for pool in pools if pool["pool"] in opened for node in nodes[pool["pool"]]}
    open_selectors = [pool["selector"] for pool in pools if pool["pool"] in opened]
    told = [pool for pool in pools if pool["pool"] in closed and pool["selector"]]
    apart = [pool for pool in told if pool["selector"] not in open_selectors and not nodes[pool["pool"]] & open_nodes]
    fence(api, {node for pool in told for node in nodes[pool["pool"]]} - open_nodes)
    try:
        _bar(api, apart, [pool["pool"] for pool in pools])
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        names = ", ".join(pool["pool"] for pool in apart)
        return (
            f"nodes that come later to {names} take work unseen, as the API server refuses a policy: {error}"
            if apart
            else ""
        )
    return ""


def open_all(api: KubernetesApi) -> None:
    """No pool is shut."""
    shut(api, (), (), ())


def _bar(api: KubernetesApi, pools: Sequence[Pool], checked: Sequence[str]) -> None:
    """Bindings to nodes of these pools are refused, and no others; those of the gate's own pods never."""
    wanted = [_policy(checked), *(_binding(pool) for pool in pools)] if pools else []
    for body in wanted:
        api.apply(body, force=True)
    names = {body["metadata"]["name"] for body in wanted}
    for kind in (BINDING, POLICY):
        for one in api.list(GROUP, kind, labels=MARK):
            if one["metadata"]["name"] not in names:
                api.delete(GROUP, kind, one["metadata"]["name"])


def _policy(checked: Sequence[str]) -> Manifest:
    """Of a pod's binding nothing is known but the two names, and of the parameter the whole node."""
    own = json.dumps(["gate-probe-", *(f"gate-{pool}-" for pool in checked)])
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods/binding"]}
    work = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [NAMESPACE, SLURM_NAMESPACE]}
    validation = {
        "expression": f"object.target.name != params.metadata.name || {own}.exists(own, request.name.startsWith(own))",
        "message": "penstock's gate keeps the node's pool shut; `up` opens it once the pool is whole",
    }
    spec = {
        "failurePolicy": "Fail",
        "paramKind": {"apiVersion": "v1", "kind": "Node"},
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": {"matchExpressions": [work]}},
        "validations": [validation],
    }
    return {"apiVersion": GROUP, "kind": POLICY, "metadata": {"name": NAME, "labels": LABELS}, "spec": spec}


def _binding(pool: Pool) -> Manifest:
    nodes = {"selector": {"matchLabels": dict(pool["selector"])}, "parameterNotFoundAction": "Allow"}
    spec = {"policyName": NAME, "validationActions": ["Deny"], "paramRef": nodes}
    metadata = {"name": f"{NAME}-{pool['pool']}", "labels": LABELS}
    return {"apiVersion": GROUP, "kind": BINDING, "metadata": metadata, "spec": spec}
