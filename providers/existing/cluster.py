"""An existing cluster as the engine knows it: a provider that leads there, and the volume."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.errors import PenstockError
from components.kubernetes.kubeconfig import KubeconfigError
from components.provider import ClusterHandle, KubernetesHandle, StaticVolume
from providers.existing.access import kubeconfig_content
from providers.existing.plan import CLAIM, ExistingPlan
from providers.existing.seen import SeenVolume
from providers.existing.settings import ExistingSpec

UNSEEN = SeenVolume(
    source={"hostPath": {"path": "/unseen"}}, mount_options=(), access_modes=("ReadWriteMany",), capacity_gib=1
)
"""Placeholder in the preview of a claim on a cluster that does not answer; preflight refuses to deploy it."""

SHARED_GIB = 1024
"""A capacity has to be given for a claim; neither a host path nor NFS is held to it."""


def build_cluster(name: str, plan: ExistingPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The provider under an identity of its own, so that another way to the same cluster replaces nothing on it."""
    settings = plan.settings
    kubeconfig = pulumi.Output.secret(_content(settings))
    provider = kubernetes.Provider(
        f"{name}-kubernetes",
        kubeconfig=kubeconfig,
        cluster_identifier=settings.cluster_id or f"penstock-{name}",
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return ClusterHandle(
        volume_path=pulumi.Output.from_input(plan.volume.path),
        runner=None,
        kubernetes=KubernetesHandle(provider=provider, kubeconfig=kubeconfig, volumes=volumes(plan)),
    )


def _content(settings: ExistingSpec) -> str:
    try:
        return kubeconfig_content(settings)
    except KubeconfigError as error:
        raise PenstockError(f"existing.kubeconfig: {error}") from None


def volumes(plan: ExistingPlan) -> tuple[StaticVolume, ...]:
    """Volumes that have to be made before pods can mount them. A claim's own volume is mounted as it is, and never
    deleted.
    """
    asked = plan.settings.volume
    if asked is None:
        return ()
    if asked.claim:
        found = plan.claimed or UNSEEN
        size, options = found.capacity_gib, found.mount_options
        return (StaticVolume(claim=CLAIM, capacity_gib=size, source=found.source, mount_options=options),)
    if asked.storage_class:
        return (StaticVolume(claim=CLAIM, capacity_gib=asked.size_gib or 0, storage_class=asked.storage_class),)
    source = (
        {"nfs": {"server": asked.nfs.server, "path": asked.nfs.path}}
        if asked.nfs
        else {"hostPath": {"path": asked.host_path, "type": "Directory"}}
    )
    return (StaticVolume(claim=CLAIM, capacity_gib=SHARED_GIB, source=source),)
