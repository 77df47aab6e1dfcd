"""Access to the inside of a GKE cluster: its API server, its file systems, its node pools."""

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.provider import KubernetesHandle, StaticVolume
from providers.gcp.gke_handle import GkeHandle
from providers.gcp.nodes.build import GkePool, is_sized_later
from providers.gcp.plan import GcpPlan
from providers.gcp.storage.bucket import CLAIM
from providers.gcp.storage.handle import GcpStorageHandle
from providers.gcp.storage.plan import CLAIMS
from providers.gcp.types import GcpNodePoolPlan

Scaler = Mapping[str, pulumi.Input[str]]

_BOUNDLESS_GIB = 1024
"""A volume has to have a size; a bucket has none, and the driver passes it over."""


def provider_of(name: str, cluster: GkeHandle, opts: pulumi.ResourceOptions) -> kubernetes.Provider:
    """The provider of everything inside, under the cluster's name, so that another way in replaces nothing there."""
    return kubernetes.Provider(
        f"{name}-kubernetes", kubeconfig=cluster.kubeconfig, cluster_identifier=cluster.id, opts=opts
    )


def reach(
    provider: kubernetes.Provider, cluster: GkeHandle, registry: str, storage: GcpStorageHandle,
    scalers: Mapping[str, Scaler], ready: Sequence[pulumi.Resource],
) -> KubernetesHandle:  # fmt: skip
    """Handle for deploying onto the cluster, which pulls from `registry`. Every deployment depends on `ready`."""
    return KubernetesHandle(
        provider=provider,
        kubeconfig=cluster.kubeconfig,
        registry=pulumi.Output.from_input(registry),
        volumes=tuple(_volumes(storage)),
        scalers=scalers,
        ready=tuple(ready),
    )


def _volumes(storage: GcpStorageHandle) -> Iterator[StaticVolume]:
    """By drivers of GKE's own (lustre-csi-driver, docs/preprov-guide; GKE, "Access existing Filestore instances";
    gcs-fuse-csi-driver, examples/static)."""
    if lustre := storage.file_system:
        csi = {
            "driver": "lustre.csi.storage.gke.io",
            "volumeHandle": lustre.volume,
            "volumeAttributes": {"ip": lustre.address, "filesystem": lustre.file_system},
        }
        yield StaticVolume(claim=CLAIMS["fileSystem"], capacity_gib=lustre.capacity_gib, source={"csi": csi})
    if shared := storage.shared_file_system:
        csi = {
            "driver": "filestore.csi.storage.gke.io",
            "volumeHandle": shared.volume,
            "volumeAttributes": {"ip": shared.address, "volume": shared.share},
        }
        yield StaticVolume(claim=CLAIMS["sharedFileSystem"], capacity_gib=shared.capacity_gib, source={"csi": csi})
    if (objects := storage.object_store) and objects.mount_options:
        csi = {"driver": "gcsfuse.csi.storage.gke.io", "volumeHandle": objects.name}
        yield StaticVolume(
            claim=CLAIM, capacity_gib=_BOUNDLESS_GIB, source={"csi": csi}, mount_options=objects.mount_options
        )


def scalers(plan: GcpPlan, cluster: GkeHandle, pools: Mapping[str, GkePool]) -> Mapping[str, Scaler]:
    """By pool, what the gate needs to set its size; none of what is reserved, comes as a whole, or comes for jobs."""
    return {
        pool.name: _scaler(plan, cluster, pool, pools[pool.name])
        for pool in plan.node_pools
        if is_sized_later(pool)
    }  # fmt: skip


def _scaler(plan: GcpPlan, cluster: GkeHandle, pool: GcpNodePoolPlan, made: GkePool) -> Scaler:
    (group,) = made.pools.values()
    return {
        "cloud": "gcp", "project": plan.project, "location": cluster.location, "cluster": cluster.name,
        "group": group.name, "zone": pool.zone, "least": str(pool.min_count), "most": str(pool.max_count),
        **plan.identity,
    }  # fmt: skip
