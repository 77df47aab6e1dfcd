"""Changes to the volume of a stack that is up: Kubernetes moves no claim, and lets few grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from components.errors import Problem
from components.kubernetes.quantities import quantity
from components.plan.kubernetes import NAMESPACE
from providers.existing.plan import CLAIM, ExistingPlan
from providers.existing.seen import NO_SOURCE

if TYPE_CHECKING:
    from components.kubernetes.api import KubernetesApi
    from components.provider import StaticVolume

Object = Mapping[str, Any]

OTHERWISE = "or `pulumi destroy`, and then `pulumi up`"


def volume_changes(plan: ExistingPlan, api: KubernetesApi) -> Iterator[Problem]:
    """Problems of a stack file that asks for another volume than the running stack's claim has.

    Pods that mount a claim, and a claim that is bound, keep what they hold from going: a change would wait for them.
    """
    from providers.existing.cluster import volumes

    claim = api.get("v1", "PersistentVolumeClaim", CLAIM, NAMESPACE)
    if claim is None:
        return
    spec = claim["spec"]
    for asked in volumes(plan):
        volume = api.get("v1", "PersistentVolume", spec["volumeName"]) if spec.get("volumeName") else None
        if spec.get("storageClassName", "") != asked.storage_class or (volume and not _lies_there(asked, volume)):
            yield _moved(spec, volume)
        elif asked.storage_class:
            grows = api.get("storage.k8s.io/v1", "StorageClass", asked.storage_class) or {}
            yield from _resized(spec, asked, grows=bool(grows.get("allowVolumeExpansion")))


def _lies_there(asked: StaticVolume, volume: Object) -> bool:
    """True also for a storage class's own volume: where that lies is not asked."""
    source: Mapping[str, Any] = asked.source  # plain data on a cluster that is there
    return all(where.items() <= (volume["spec"].get(kind) or {}).items() for kind, where in source.items())


def _moved(spec: Object, volume: Object | None) -> Problem:
    name = spec.get("storageClassName", "")
    sources = volume["spec"].items() if volume else ()
    found = [f"{kind} {_shown(where)}" for kind, where in sources if kind not in NO_SOURCE]
    there = f"storage class {name}" if name else ", ".join(found) or "a volume that is gone"
    message = (
        f"is not what the running stack has ({there}), and its claim cannot move while pods mount it; set it back, "
        f"{OTHERWISE}"
    )
    return Problem(path="existing.volume", message=message)


def _shown(where: Object) -> str:
    return ":".join(str(value) for value in where.values() if isinstance(value, str))


def _resized(spec: Object, asked: StaticVolume, *, grows: bool) -> Iterator[Problem]:
    has_gib = int(quantity(spec["resources"]["requests"]["storage"]) / 2**30)
    path, name = "existing.volume.sizeGib", asked.storage_class
    if asked.capacity_gib < has_gib:
        message = f"{asked.capacity_gib}, but the running stack's claim has {has_gib}, and none shrinks; give {has_gib}"
        yield Problem(path=path, message=f"{message}, {OTHERWISE}")
    elif asked.capacity_gib > has_gib and not grows:
        message = (
            f"{asked.capacity_gib}, but the running stack's claim has {has_gib}, and the class {name!r} lets none grow "
            f"(allowVolumeExpansion); give {has_gib}, allow it in the class, {OTHERWISE}"
        )
        yield Problem(path=path, message=message)
