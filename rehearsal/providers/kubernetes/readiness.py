"""Readiness of an object, by its kind. Source: pulumi-kubernetes' awaiters, kstatus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
Lookup = Callable[[str, str, str, str], list[dict[str, Any]]]
"""Objects by apiVersion, kind, namespace and label selector."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`failed` says that waiting is of no use."""

    ready: bool
    reason: str = ""
    failed: bool = False


READY = Readiness(True)


def readiness(body: Body, lookup: Lookup, *, created: bool) -> Readiness:
    """Progress of the object. `created` is False where it was there before this change."""
    known = _BY_KIND.get(_group_kind(body))
    if known:
        return known(body, lookup, created)
    if _group(body) in _WITHOUT_STATUS:
        return READY
    return _by_conditions(body)


def judged_when_read(body: Body) -> bool:
    """True if a refresh says so where the object is not ready."""
    return _group_kind(body) in (
        "apps/Deployment",
        "apps/StatefulSet",
        "apps/DaemonSet",
        "batch/Job",
        "/Pod",
        "/Service",
    )


def _deployment(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    status, wanted = _status(body), body["spec"].get("replicas", 1)
    if not _observed(body):
        return Readiness(False, "the controller has not seen the Deployment yet")
    stuck = _condition(body, "Progressing")
    if stuck.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(False, stuck.get("message", "the rollout does not progress"))
    available, updated = status.get("availableReplicas", 0), status.get("updatedReplicas", 0)
    if available >= wanted and updated >= wanted and status.get("replicas", 0) <= wanted:
        return READY
    return Readiness(False, f"{available} of {wanted} replicas are available")


def _stateful_set(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    status, wanted = _status(body), body["spec"].get("replicas", 1)
    if not _observed(body):
        return Readiness(False, "the controller has not seen the StatefulSet yet")
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    on_delete = (body["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if ready >= wanted and (updated >= wanted or on_delete):
        return READY
    return Readiness(False, f"{ready} of {wanted} replicas are ready")


def _daemon_set(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    status = _status(body)
    wanted, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    if not _observed(body) or "desiredNumberScheduled" not in status:
        return Readiness(False, "the controller has not seen the DaemonSet yet")
    on_delete = (body["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if available >= wanted and (on_delete or status.get("updatedNumberScheduled", 0) >= wanted):
        return READY
    return Readiness(False, f"{available} of {wanted} pods are available")


def _job(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    failed = _condition(body, "Failed")
    if failed.get("status") == "True":
        return Readiness(False, failed.get("message") or failed.get("reason", "the Job failed"), failed=True)
    if _condition(body, "Complete").get("status") == "True":
        return READY
    if body["spec"].get("suspend"):
        return READY
    return Readiness(False, "the Job has not completed")


def _pod(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    phase = _status(body).get("phase", "Pending")
    if phase == "Succeeded" or _condition(body, "Ready").get("status") == "True":
        return READY
    if phase == "Failed":
        return Readiness(False, _status(body).get("message", "the Pod failed"), failed=True)
    blocked = _condition(body, "PodScheduled")
    why = blocked.get("message") or blocked.get("reason", "") if blocked.get("status") == "False" else ""
    return Readiness(False, f"the Pod is {phase}" + (f": {why}" if why else ""))


def _service(body: Body, lookup: Lookup, _created: bool) -> Readiness:
    spec = body["spec"]
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        return READY
    if spec.get("selector") and spec.get("clusterIP") != "None" and not _has_endpoints(body, lookup):
        return Readiness(False, "the Service does not target any Pods that are ready")
    if kind == "LoadBalancer" and not (_status(body).get("loadBalancer") or {}).get("ingress"):
        return Readiness(False, "the Service was not allocated an IP address")
    return READY


def _claim(body: Body, lookup: Lookup, created: bool) -> Readiness:
    phase, name = _status(body).get("phase"), body["spec"].get("storageClassName")
    if phase == "Bound":
        return READY
    classes = lookup("storage.k8s.io/v1", "StorageClass", "", "") if name else []
    later = any(
        one["metadata"]["name"] == name and one.get("volumeBindingMode") == "WaitForFirstConsumer" for one in classes
    )
    if created and later and phase == "Pending":
        return READY
    return Readiness(False, f"the claim is {phase or 'not seen yet'}")


def _volume(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    phase = _status(body).get("phase")
    return READY if phase in ("Available", "Bound") else Readiness(False, f"the volume is {phase or 'not seen yet'}")


def _quota(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    same = (body["spec"].get("hard") or {}) == (_status(body).get("hard") or {})
    return READY if same else Readiness(False, "the quota is not in force yet")


def _namespace(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    return READY if _status(body).get("phase") == "Active" else Readiness(False, "the namespace is not active")


def _definition(body: Body, _lookup: Lookup, _created: bool) -> Readiness:
    refused = _condition(body, "NamesAccepted")
    if refused.get("status") == "False":
        return Readiness(False, refused.get("message", "its names are taken"), failed=True)
    established = _condition(body, "Established").get("status") == "True"
    return READY if established else Readiness(False, "the definition is not established")


_BY_KIND: Mapping[str, Callable[[Body, Lookup, bool], Readiness]] = {
    "apps/Deployment": _deployment,
    "apps/StatefulSet": _stateful_set,
    "apps/DaemonSet": _daemon_set,
    "batch/Job": _job,
    "/Pod": _pod,
    "/Service": _service,
    "/PersistentVolumeClaim": _claim,
    "/PersistentVolume": _volume,
    "/ResourceQuota": _quota,
    "/Namespace": _namespace,
    "apiextensions.k8s.io/CustomResourceDefinition": _definition,
}
_WITHOUT_STATUS = frozenset({"", "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "autoscaling"})


def _by_conditions(body: Body) -> Readiness:
    """As kstatus sees an object of any kind: what its own status says, else ready."""
    if not _observed(body):
        return Readiness(False, "its controller has not seen the latest change")
    for name, bad in (("Stalled", "True"), ("Reconciling", "True"), ("Ready", "False"), ("Ready", "Unknown")):
        found = _condition(body, name)
        if found.get("status") == bad:
            return Readiness(False, found.get("message") or f"{name} is {bad}")
    return READY


def _has_endpoints(body: Body, lookup: Lookup) -> bool:
    meta = body["metadata"]
    label = f"kubernetes.io/service-name={meta['name']}"
    slices = lookup("discovery.k8s.io/v1", "EndpointSlice", meta["namespace"], label)
    return any(
        (one.get("conditions") or {}).get("ready") is not False
        for found in slices
        for one in found.get("endpoints") or ()
    )


def _group(body: Body) -> str:
    group, slash, _ = str(body["apiVersion"]).partition("/")
    return group if slash else ""


def _group_kind(body: Body) -> str:
    return f"{_group(body)}/{body['kind']}"


def _status(body: Body) -> dict[str, Any]:
    return body.get("status") or {}


def _observed(body: Body) -> bool:
    seen, generation = _status(body).get("observedGeneration"), body["metadata"].get("generation")
    workload = _group_kind(body) in ("apps/Deployment", "apps/StatefulSet", "apps/DaemonSet")
    return (seen is None and not workload) or generation is None or (seen or 0) >= generation


def _condition(body: Body, name: str) -> dict[str, Any]:
    return next((row for row in _status(body).get("conditions") or () if row.get("type") == name), {})
