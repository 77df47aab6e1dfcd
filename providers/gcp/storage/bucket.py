"""The stack's bucket, decided, and the way by which pods see it as files: Cloud Storage FUSE.

GKE's webhook adds a container to every pod that is annotated so, and that container mounts the bucket (GKE, "Configure
the Cloud Storage FUSE CSI driver sidecar container", 2026-11; gcs-fuse-csi-driver 1.24, pkg/webhook/config.go).
"""

import re
from collections.abc import Iterator, Sequence

from components.errors import Problem, SpecError
from components.estimate.nodes import Room
from components.plan.cluster import Mount
from components.plan.part import Decision
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.gcp.types import GcpNodePoolPlan, GcsPlan

CLAIM = "object-store"
"""Name by which pods mount it."""
_SIDECAR = Room(cores=0.5, memory_gib=1.0)
"""Requests of the container that mounts it. They are added to a pod when its job has been let in already."""
_ANNOTATIONS = {
    "gke-gcsfuse/volumes": "true",
    "gke-gcsfuse/cpu-request": f"{_SIDECAR.cores * 1000:g}m",
    "gke-gcsfuse/cpu-limit": "0",
    "gke-gcsfuse/memory-request": f"{_SIDECAR.memory_gib:g}Gi",
    "gke-gcsfuse/memory-limit": "0",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}
"""0 is no limit: by default the container has 256 MiB and 5 GiB of disk, and a checkpoint of more ends the pod
(gcs-fuse-csi-driver 314 and 61)."""
_LOCAL_SSD_GB, _CACHE_SHARE = 375, 0.5
"""Size of a local SSD (Compute Engine, "About Local SSD disks"), and the share of a node's that holds objects once
read; images and scratch have the rest."""

_LONGEST_NAME, _OWN_SUFFIX = 63, len("-storage-objects-1234567")
_PATH = "storage.objectStore"


def plan_bucket(spec: StackSpec, pools: Sequence[GcpNodePoolPlan], stack: str) -> GcsPlan | None:
    """The bucket that the spec asks for, as these pools see it; SpecError with every problem at once."""
    asked = spec.storage.object_store
    if asked is None:
        return None
    if problems := [*_name_problems(asked.name, stack), *_mount_problems(spec)]:
        raise SpecError(problems)
    return GcsPlan(
        name=asked.name,
        location=(spec.cluster.region or "").upper(),
        keep_versions_days=asked.keep_versions_days,
        expire_days=asked.expire_days,
        keep=asked.on_destroy is OnDestroy.KEEP,
        mount_path=asked.mount_path or "",
        mount_options=_mount_options(pools) if asked.mount_path else (),
    )


def bucket_mounts(plan: GcsPlan | None) -> tuple[Mount, ...]:
    """The bucket as jobs mount it; nothing where it is mounted nowhere."""
    if plan is None or not plan.mount_path:
        return ()
    return (Mount(volume=CLAIM, path=plan.mount_path, annotations=_ANNOTATIONS),)


def _mount_options(pools: Sequence[GcpNodePoolPlan]) -> tuple[str, ...]:
    """Folders that no object is named after show; what was read is kept on local SSDs where every node has some."""
    found = ["implicit-dirs"]
    least = min((pool.machine.local_ssds for pool in pools), default=0)
    if least:
        found.append(f"file-cache:max-size-mb:{int(least * _LOCAL_SSD_GB * 1000 * _CACHE_SHARE)}")
        found.append("file-cache:enable-parallel-downloads:true")
    return tuple(found)


def sidecar(plan: GcsPlan | None) -> Room:
    """Requests of the container that mounts the bucket for a pod; none where it is mounted nowhere."""
    return _SIDECAR if bucket_mounts(plan) else Room(cores=0.0, memory_gib=0.0)


def bucket_decisions(plan: GcsPlan, *, pods: bool = True) -> Iterator[Decision]:
    """Decisions that the spec leaves open; without `pods`, machines of Cluster Director mount it themselves."""
    reason = "jobs and services in the namespace penstock have it by Workload Identity"
    if not pods:
        reason = "Cluster Director's machines act as Compute Engine's default account, which gets it"
    yield Decision(path=f"{_PATH}.rights", value="read and write", reason=reason)
    if plan.mount_path:
        cached = "kept on local SSD once read" if pods and len(plan.mount_options) > 1 else "read anew each time"
        reason = "Cloud Storage FUSE: whole objects, no locks, the last writer wins; for data, models and exports, and "
        reason += f"not for the folder of runs; {cached}"
        yield Decision(path=f"{_PATH}.mountPath", value=plan.mount_path, reason=reason)


def _name_problems(name: str | None, stack: str) -> Iterator[Problem]:
    path = f"{_PATH}.name"
    if name is not None and (wrong := _wrong(name)):
        yield Problem(path=path, message=f"{name!r} {wrong}")
    if name is None and _is_googles(stack):
        message = f"left out, so that it is made of the stack's, and {stack!r} has Google's own name in it, which it "
        message += "refuses; give the bucket another name"
        yield Problem(path=path, message=message)
    if name is None and len(stack) + _OWN_SUFFIX > _LONGEST_NAME:
        message = f"left out, and {stack!r} is too long to make one from; give a name of 3 to 63 characters"
        yield Problem(path=path, message=message)


def _wrong(name: str) -> str:
    """Cloud Storage, "About buckets, Naming requirements"."""
    if not re.fullmatch(r"[a-z0-9][-_.a-z0-9]*[a-z0-9]", name):
        return (
            "is no bucket's name: small letters, digits, dashes, underscores and dots, a letter or digit at both ends"
        )
    if "." in name:
        return "has a dot, which makes it a domain that has to be yours; take a dash"
    if _is_googles(name):
        return "has Google's own name in it, which it refuses; take it out"
    return ""


def _is_googles(name: str) -> bool:
    return name.startswith("goog") or "google" in name


def _mount_problems(spec: StackSpec) -> Iterator[Problem]:
    """A path that hides a file system, or is hidden by one; and runs on it."""
    store = spec.storage.object_store
    path = store.mount_path if store else None
    if path is None:
        return
    for key, other in spec.storage.mount_paths():
        if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
            message = f"{path!r} and {key}.mountPath {other!r} overlap; keep them apart, as in /objects"
            yield Problem(path=f"{_PATH}.mountPath", message=message)
