"""Custom resources on their way out: deleted while the controller that takes their finalizers off is still there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from components.errors import PenstockError
from components.kubernetes.api import ApiError, KubernetesApi
from plugin.calls import Call
from plugin.kubernetes.barrier import DEFINITIONS
from plugin.kubernetes.cluster import Patience

MOST_NAMED = 5
DENIED = re.compile(r"denied (the )?request")
"""As webhooks and policies refuse, and missing rights do not: Volcano's, for one, its queues `default` and `root`."""


def drain(call: Call, api: KubernetesApi, crds: Sequence[str], timeout_s: float) -> None:
    """No object of these definitions is left but those that their controller keeps for itself and no finalizer holds:
    they go with their definition. A definition that is gone has none.

    PenstockError after `timeout_s` names what stays, and the finalizer that holds it.
    """
    patience = Patience(call, api, timeout_s)
    asked: set[str] = set()
    kept: set[str] = set()
    while left := [one for name in crds for one in _objects_of(api, name) if one["metadata"]["uid"] not in kept]:
        for one in left:
            if (uid := one["metadata"]["uid"]) not in asked and "deletionTimestamp" not in one["metadata"]:
                asked.add(uid)
                if not _let_go(api, one):
                    kept.add(uid)
        if patience.over:
            raise PenstockError(f"still there after {timeout_s:g} s: {stuck(left)}")
        call.voice.live(f"waits for {len(left)} custom resources to go")
        patience.step()
    if asked - kept:
        call.voice.say(f"deleted {len(asked - kept)} custom resources before their controller goes")


def _let_go(api: KubernetesApi, one: dict[str, Any]) -> bool:
    """Deletes the object; false if admission refuses that for one that needs no controller to go."""
    try:
        remove(api, one)
    except ApiError as error:
        if not DENIED.search(str(error)) or one["metadata"].get("finalizers"):
            raise
        return False
    return True


def _objects_of(api: KubernetesApi, definition: str) -> list[dict[str, Any]]:
    """All objects of a definition, in every namespace; none where there is no such definition."""
    body = api.get(DEFINITIONS, "CustomResourceDefinition", definition)
    if body is None or "deletionTimestamp" in body["metadata"]:
        return []
    spec = body["spec"]
    version = next(one["name"] for one in spec["versions"] if one["served"])
    try:
        return api.list(f"{spec['group']}/{version}", spec["names"]["kind"])
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def remove(api: KubernetesApi, one: dict[str, Any]) -> None:
    metadata = one["metadata"]
    api.delete(
        one["apiVersion"], one["kind"], metadata["name"], metadata.get("namespace"), propagation="Background"
    )  # fmt: skip


def stuck(left: Sequence[dict[str, Any]]) -> str:
    """Each by kind and name, with what holds it and the way to let go."""
    named = [_held(one) for one in left[:MOST_NAMED]]
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    return (
        f"{', '.join(named)}{more}; is the controller that takes the finalizer off well? Where there is none any "
        "more, remove the finalizer by hand (kubectl edit), then destroy again"
    )


def _held(one: dict[str, Any]) -> str:
    metadata = one["metadata"]
    where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    by = ", ".join(metadata.get("finalizers") or ()) or "nothing that it names"
    return f"{one['kind']} {where}{metadata['name']} (held by {by})"
