"""Fields of an object that cannot change once it is made. Source: the validation of updates in Kubernetes' API."""

from collections.abc import Mapping
from typing import Any

from rehearsal.kubernetes.kinds import Served
from rehearsal.kubernetes.refusals import invalid

FIXED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        *("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    ),
    ("batch", "Job"): ("spec.template", "spec.selector", "spec.completions", "spec.completionMode"),
    ("", "PersistentVolumeClaim"): (
        *("spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.selector", "spec.volumeMode"),
    ),
    ("", "PersistentVolume"): ("spec.csi", "spec.nfs", "spec.hostPath", "spec.local"),
    ("", "Secret"): ("type",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("spec.scope", "spec.group"),
}


def require_unchanged(kind: Served, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
    """RefusalError 422 for each field that may not change and did. What the server filled in may be left out."""
    if old is None:
        return
    paths: tuple[str, ...] = FIXED.get((kind.group, kind.kind), ())
    if kind.kind in ("ConfigMap", "Secret") and old.get("immutable"):
        paths = (*paths, "data", "binaryData", "immutable")
    problems = [
        f"{path}: Invalid value: field is immutable"
        for path in paths
        if _at(old, path) is not None and _at(old, path) != _at(new, path)
    ]
    if problems:
        raise invalid(kind.shown, new["metadata"]["name"], problems)


def _at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body
