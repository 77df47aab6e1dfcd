"""Field rules of pods that mount a bucket by Cloud Storage FUSE, and of batch jobs in Slurm's pods on GKE's nodes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, MachinePool, at, every
from rehearsal.field.pods import HASH, quantity, requests, why_elsewhere
from rehearsal.providers.gcp.machines import machine
from rehearsal.providers.gcp.names import BUCKET, CLUSTER, NODE_POOL
from rehearsal.providers.gcp.node_marks import memory_rows

FUSE = "gcsfuse.csi.storage.gke.io"
MEMBER = "gcp:storage/bucketIAMMember:BucketIAMMember"
WRITES = ("roles/storage.objectUser", "roles/storage.objectAdmin", "roles/storage.admin")
NOTE = "gke-gcsfuse/"
DEFAULT_MEMORY = "256Mi"
WEBHOOK = "GoogleCloudPlatform/gcs-fuse-csi-driver 1.24, pkg/webhook/config.go: 256Mi and 5Gi unless annotated"
STARVED = "GoogleCloudPlatform/gcs-fuse-csi-driver 314, 61: OOM, and ephemeral storage over the limit of 5Gi"
HOST = "GKE, About Workload Identity Federation: pods on the host's network are the node to Google's APIs"
MOUNTS = "GKE, Optimize Cloud Storage FUSE CSI driver for performance: implicit directories; read cache"
DRIVER = "GKE, Run GPUs in Standard node pools: driver and libraries lie in /usr/local/nvidia of the pod"
PODS_DRIVER = "/usr/local/nvidia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A pod's template, however its API has it."""

    subject: str
    space: str
    annotations: Mapping[str, Any]
    spec: Mapping[str, Any]
    containers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A volume of a bucket, and the claim that has it."""

    bucket: str
    options: tuple[str, ...]


def buckets(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each pod that mounts a bucket and would not start, or would be ended."""
    volumes = _volumes(deployment)
    for template in _templates(deployment):
        for claim in every(template.spec, "volumes.persistentVolumeClaim.claimName"):
            if volume := volumes.get((template.space, str(claim))):
                for message, source in (
                    *_driver(deployment), *_container(template), *_right(deployment, template, volume),
                    *_room(deployment, template), *_options(deployment, template, volume),
                ):  # fmt: skip
                    yield Finding(rule="gcp", subject=template.subject, message=message, source=source)


def batch(deployment: Deployment) -> Iterator[Finding]:
    """A batch job's own container is none of the kubelet's: nobody mounts GKE's driver into it."""
    for body in deployment.objects:
        for script in (body.get("data") or {}).values() if body.get("kind") == "ConfigMap" else ():
            if not isinstance(script, str) or "#SBATCH --gres=gpu" not in script or "--container-image" not in script:
                continue
            mounted = " ".join(re.findall(r"--container-mounts=(\S+)", script))
            if PODS_DRIVER not in mounted:
                message = f"its container has no {PODS_DRIVER}, where GKE's driver lies: torch finds no CUDA there"
                yield Finding(rule="gcp", subject="batch script", message=message, source=DRIVER)


def _volumes(deployment: Deployment) -> dict[tuple[str, str], Mounted]:
    """By namespace and name of the claim."""
    return {
        (str(at(body, "spec.claimRef.namespace")), str(at(body, "spec.claimRef.name"))): Mounted(
            bucket=str(at(body, "spec.csi.volumeHandle")),
            options=tuple(str(one) for one in every(body, "spec.mountOptions")),
        )
        for body in deployment.objects
        if body.get("kind") == "PersistentVolume" and at(body, "spec.csi.driver") == FUSE
    }


def _templates(deployment: Deployment) -> Iterator[Template]:
    for body in deployment.objects:
        meta = body.get("metadata") or {}
        subject = f"{body.get('kind', '')} {HASH.sub('', str(meta.get('name', '')))}"
        beside = tuple(one for one in (at(body, "spec.slurmd"),) if one)
        for one in _with_volumes(body):
            spec = one["spec"]
            yield Template(
                subject=subject, space=str(meta.get("namespace") or "default"),
                annotations=(one.get("metadata") or {}).get("annotations") or {}, spec=spec,
                containers=tuple(spec.get("containers") or beside),
            )  # fmt: skip


def _with_volumes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of an object that has a spec with volumes: NodeSets of Slinky keep their container elsewhere."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _with_volumes(part)
    elif isinstance(value, Mapping):
        spec = value.get("spec")
        if isinstance(spec, Mapping) and isinstance(spec.get("volumes"), list):
            yield value
            return
        for part in value.values():
            yield from _with_volumes(part)


def _driver(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for cluster in deployment.of(CLUSTER):
        if not at(cluster.inputs, "addonsConfig.gcsFuseCsiDriverConfig.enabled"):
            yield (
                f"mounts a bucket, and {cluster.name} has no driver for it: it never starts",
                "GKE, Cloud Storage FUSE",
            )


def _container(template: Template) -> Iterator[tuple[str, str]]:
    """The container that GKE's webhook adds, which mounts the bucket and holds what is written until it is sent."""
    notes = template.annotations
    if str(notes.get(f"{NOTE}volumes")) != "true":
        yield f"mounts a bucket without the annotation {NOTE}volumes: nothing mounts it, and it never starts", WEBHOOK
        return
    for what, least in (("memory", "512Mi"), ("ephemeral-storage", "50Gi")):
        limit = notes.get(f"{NOTE}{what}-limit") or notes.get(f"{NOTE}{what}-request")
        if limit is None or (quantity(limit) and quantity(limit) < quantity(least)):
            yield f"what mounts its bucket has little {what}: a checkpoint that is written there ends the pod", STARVED
    if template.spec.get("hostNetwork"):
        yield "mounts a bucket on the host's network, and is the node to it, not the pod's account", HOST


def _right(deployment: Deployment, template: Template, volume: Mounted) -> Iterator[tuple[str, str]]:
    """By Workload Identity: a right of all pods of the namespace, or of one of its accounts."""
    account = str(template.spec.get("serviceAccountName") or "default")
    ends = (f"/namespace/{template.space}", f"/subject/ns/{template.space}/sa/{account}")
    for member in deployment.of(MEMBER):
        named, who = str(at(member.inputs, "bucket")), str(at(member.inputs, "member"))
        if named == volume.bucket and at(member.inputs, "role") in WRITES and who.endswith(ends):
            return
    message = f"may not read {volume.bucket}: no role of the bucket names pods of {template.space}"
    yield message, "Cloud Storage FUSE CSI driver, Authentication: roles/storage.objectUser for the Kubernetes account"


def _room(deployment: Deployment, template: Template) -> Iterator[tuple[str, str]]:
    """Requests of the added container come on top of the pod's, after its queue has counted those."""
    asked = requests({"containers": template.containers})
    memory = asked.get("memory")
    if memory is None:
        return
    own = quantity(template.annotations.get(f"{NOTE}memory-request") or DEFAULT_MEMORY)
    for home in _homes(deployment, template):
        row, found = memory_rows().get(home.machine_type), machine(home.machine_type)
        if row is None or found is None or not found.chips:
            continue
        devices = int(asked.get(str(found.device), Decimal(0)))
        pods = found.chips // devices if devices else 1
        needed = float(pods * (memory + own)) / 2**30
        if needed > row[1]:
            message = f"{pods} of them ask {needed:.1f} GiB of {home.machine_type} with what mounts their bucket, of "
            yield f"{message}which {row[1]:g} at most are sure", WEBHOOK


def _options(deployment: Deployment, template: Template, volume: Mounted) -> Iterator[tuple[str, str]]:
    flat = [
        one for one in deployment.of(BUCKET)
        if one.outputs.get("name") == volume.bucket and not at(one.inputs, "hierarchicalNamespace.enabled")
    ]  # fmt: skip
    if flat and "implicit-dirs" not in volume.options:
        yield "sees no folder that no object is named after: the mount has no implicit-dirs", MOUNTS
    if any(one.startswith("file-cache:max-size-mb:") for one in volume.options):
        disks = {str(at(one.inputs, "name")): _local_disks(one.inputs) for one in deployment.of(NODE_POOL)}
        for home in _homes(deployment, template):
            named = home.labels.get("cloud.google.com/gke-nodepool", home.name)
            if not disks.get(named):
                yield (
                    f"keeps what it reads on the boot disk of {named}, which has no local SSD, until it is full",
                    MOUNTS,
                )


def _local_disks(inputs: Mapping[str, Any]) -> int:
    return int(at(inputs, "nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount") or 0)


def _homes(deployment: Deployment, template: Template) -> list[MachinePool]:
    spec = {"containers": list(template.containers), **template.spec}
    return [pool for pool in deployment.pools if not why_elsewhere(pool, spec)]


RULES = (buckets, batch)
