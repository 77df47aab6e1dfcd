"""Access to the inside of an AKS cluster: its API server, its file systems, its node pools."""

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.provider import KubernetesHandle, StaticVolume
from providers.azure.aks_handle import AksHandle, IdentityHandle
from providers.azure.inside.lustre_driver import DRIVER
from providers.azure.nodes.build import AksPool, is_sized_later
from providers.azure.plan import AzurePlan
from providers.azure.storage.blob import CLAIM
from providers.azure.storage.handle import AzureStorageHandle
from providers.azure.storage.plan import CLAIMS

Scaler = Mapping[str, pulumi.Input[str]]

_BOUNDLESS_GIB = 1024
"""A volume has to have a size; a container has none, and the driver passes it over."""
_LUSTRE_OPTIONS, _NFS_OPTIONS = ("noatime", "flock"), ("vers=3", "hard", "nconnect=8")
"""azurelustre-csi-driver, docs/static-provisioning; NetApp Files, "Linux NFS mount options best practices"."""


def provider_of(name: str, cluster: AksHandle, opts: pulumi.ResourceOptions) -> kubernetes.Provider:
    """The provider of everything inside, under the cluster's name, so that another way in replaces nothing there."""
    return kubernetes.Provider(
        f"{name}-kubernetes", kubeconfig=cluster.kubeconfig, cluster_identifier=cluster.id, opts=opts
    )


def reach(  # noqa: PLR0913 (what a cluster is reached by)
    provider: kubernetes.Provider, cluster: AksHandle, registry: str, storage: AzureStorageHandle,
    identity: IdentityHandle, *, scalers: Mapping[str, Scaler], ready: Sequence[pulumi.Resource],
) -> KubernetesHandle:  # fmt: skip
    """Handle for deploying onto the cluster, which pulls from `registry`. Every deployment depends on `ready`."""
    return KubernetesHandle(
        provider=provider,
        kubeconfig=cluster.kubeconfig,
        registry=pulumi.Output.from_input(registry),
        volumes=tuple(_volumes(storage, identity)),
        scalers=scalers,
        ready=tuple(ready),
    )


def _volumes(storage: AzureStorageHandle, identity: IdentityHandle) -> Iterator[StaticVolume]:
    """Places that the stack owns, and that no claim makes: a dynamic one lies in the group of the cluster's machines
    and goes with it (AKS, "Use Azure Blob storage CSI driver"; azurelustre-csi-driver 236).
    """
    if lustre := storage.file_system:
        csi = {
            "driver": DRIVER,
            "volumeHandle": lustre.id,
            "volumeAttributes": {"mgs-ip-address": lustre.address, "fs-name": "lustrefs"},
        }
        yield StaticVolume(
            claim=CLAIMS["fileSystem"], capacity_gib=lustre.capacity_gib, source={"csi": csi},
            mount_options=_LUSTRE_OPTIONS,
        )  # fmt: skip
    if shared := storage.shared_file_system:
        nfs = {"server": shared.address, "path": shared.export}
        yield StaticVolume(
            claim=CLAIMS["sharedFileSystem"], capacity_gib=shared.capacity_gib, source={"nfs": nfs},
            mount_options=_NFS_OPTIONS,
        )  # fmt: skip
    if (objects := storage.object_store) and objects.mount_options:
        csi = {
            "driver": "blob.csi.azure.com",
            "volumeHandle": objects.id,
            "volumeAttributes": {
                "resourceGroup": objects.group,
                "storageAccount": objects.account,
                "containerName": objects.container,
                "protocol": "fuse2",
                "AzureStorageAuthType": "MSI",
                "AzureStorageIdentityClientID": identity.nodes_client,
            },
        }
        yield StaticVolume(
            claim=CLAIM, capacity_gib=_BOUNDLESS_GIB, source={"csi": csi}, mount_options=objects.mount_options
        )


def scalers(plan: AzurePlan, cluster: AksHandle, pools: Mapping[str, AksPool]) -> Mapping[str, Scaler]:
    """By pool, what the gate needs to set its size; none of what is reserved."""
    return {
        pool.name: {
            "cloud": "azure", "subscription": plan.subscription, "group": cluster.group, "cluster": cluster.name,
            "pool": pools[pool.name].pool.name, "least": str(pool.min_count), "most": str(pool.max_count),
        }
        for pool in plan.node_pools
        if is_sized_later(pool)
    }  # fmt: skip
