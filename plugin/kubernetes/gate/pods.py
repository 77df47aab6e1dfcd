"""The gate's own pods: made, waited for, read, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.kubernetes.api import KubernetesApi
from components.labels import CHECK_LABEL
from components.plan.kubernetes import NAMESPACE
from plugin.kubernetes.cluster import Patience

MARK = f"{CHECK_LABEL}=gate"
"""Label of everything that a gate makes to look with."""
BROKEN = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"})
"""Reasons for which a container waits that will not start by waiting, and that say nothing of the node."""

Pod = Mapping[str, Any]


def clear(api: KubernetesApi, patience: Patience) -> None:
    """Nothing of this or an earlier gate's checks is left."""
    while left := [
        *api.list("batch/v1", "Job", NAMESPACE, labels=MARK),
        *api.list("v1", "Pod", NAMESPACE, labels=MARK),
    ]:
        for one in left:
            api.delete(
                one["apiVersion"], one["kind"], one["metadata"]["name"], NAMESPACE, grace_s=0, propagation="Background"
            )  # fmt: skip
        if patience.over:
            return
        patience.step()


def last_word(pod: Pod) -> str:
    """Message that its container left when it ended; empty where it has not ended, or left nothing."""
    return str((_end(pod) or {}).get("message") or "")


def exit_code(pod: Pod) -> int | None:
    """None where its container has not ended."""
    found = _end(pod)
    return None if found is None else int(found["exitCode"])


def _end(pod: Pod) -> Mapping[str, Any] | None:
    for status in pod.get("status", {}).get("containerStatuses") or ():
        if found := status.get("state", {}).get("terminated"):
            return dict(found)
    return None


def ended(pod: Pod) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def why_waiting(api: KubernetesApi, pod: Pod) -> str:
    """In words, why the pod does not run: its scheduler's, its container's, else the newest warning about it."""
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message") or condition.get("reason"))
    if broken := never_starts(pod):
        return broken
    name = pod["metadata"]["name"]
    events = api.list("v1", "Event", NAMESPACE, fields=f"involvedObject.name={name},type=Warning")
    newest = max(
        events, key=lambda one: str(one.get("lastTimestamp") or one["metadata"]["creationTimestamp"]), default=None
    )
    return f"{newest['reason']}: {newest['message']}" if newest else "it has not ended"


def never_starts(pod: Pod) -> str:
    """Reason why its container cannot start anywhere; empty where nothing of the kind is known."""
    for waiting in _waiting(pod):
        if waiting.get("reason") in BROKEN:
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return ""


def mount_failure(api: KubernetesApi, pod: Pod) -> str:
    """The newest word that a volume of the pod could not be mounted; empty where there is none."""
    fields = f"involvedObject.name={pod['metadata']['name']},type=Warning"
    failed = [one for one in api.list("v1", "Event", NAMESPACE, fields=fields) if one["reason"] in MOUNTING]
    return str(failed[-1]["message"]) if failed else ""


MOUNTING = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})


def _waiting(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for status in pod.get("status", {}).get("containerStatuses") or ():
        if found := status.get("state", {}).get("waiting"):
            yield found
