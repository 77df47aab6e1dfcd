"""A plan as Pulumi resources: network and identities first, then the cluster, then machines; data beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_azure_native as azure
from pulumi_kubernetes import helm

from components.estimate.cost import totals
from components.kubernetes.manifest import apply_manifest, resource_name
from components.node_changes import NodeChanges
from components.provider import ClusterHandle
from providers.azure.aks_handle import AksHandle, IdentityHandle
from providers.azure.control_plane.build import Aks
from providers.azure.control_plane.identity import AksIdentity
from providers.azure.drain_resource import AzureDrainResource
from providers.azure.images.address import address_of
from providers.azure.inside.lustre_driver import NAMESPACE, lustre_driver
from providers.azure.inside.topology import topology_writer
from providers.azure.kubernetes import provider_of, reach, scalers
from providers.azure.network.build import AzureNetwork
from providers.azure.network.handle import AzureNetworkHandle
from providers.azure.node_changes import made_of
from providers.azure.nodes.build import AksPool, is_sized_later
from providers.azure.ownership import fast_disks
from providers.azure.plan import AzurePlan
from providers.azure.rights import SettledRights
from providers.azure.roles import AzureRole, grant
from providers.azure.storage.build import AzureStorage
from providers.azure.storage.handle import AzureStorageHandle, BlobHandle

Outputs = Mapping[str, pulumi.Input[Any]]


def build_cluster(name: str, plan: AzurePlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The cluster with all that the stack asks for beside it, in the plan's subscription and region, under its tags."""
    account = azure.Provider(f"{name}-azure", subscription_id=plan.subscription, location=plan.region, opts=opts)
    # First of all: where it refuses, nothing has changed yet.
    changes = NodeChanges(f"{name}-nodes", pools=made_of(plan), consent=plan.node_roll_reason, opts=opts)
    inside = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[account], depends_on=[changes]))
    control, tags = plan.control_plane, plan.tags
    network = AzureNetwork(f"{name}-network", plan=plan.network, tags=tags, opts=inside).handle
    storage = AzureStorage(
        f"{name}-storage", plan=plan.storage, network=network, region=plan.region, tags=tags, opts=inside
    ).handle
    identity = AksIdentity(f"{name}-identity", plan=control, network=network, tags=tags, opts=inside).handle
    after = pulumi.ResourceOptions.merge(
        inside, pulumi.ResourceOptions(depends_on=[*network.ready, *identity.ready])
    )  # fmt: skip
    drain = AzureDrainResource(
        f"{name}-drain", subscription=plan.subscription, stack=control.name, groups=_groups(plan), opts=after
    )
    cluster = Aks(
        f"{name}-aks", plan=control, ranges=plan.network, network=network, identity=identity, tags=tags,
        after=[drain], opts=inside,
    ).handle  # fmt: skip
    pools = _pools(name, plan, cluster, network, inside)
    rights = _rights(f"{name}-objects", plan, identity, storage.object_store, inside)
    provider = provider_of(name, cluster, pulumi.ResourceOptions(parent=opts.parent))
    there = pulumi.ResourceOptions(parent=opts.parent, provider=provider, depends_on=[*cluster.ready, *pools.values()])
    objects = _objects(name, plan, there)
    ready = (*cluster.ready, *pools.values(), *rights, *objects, *storage.ready)
    return ClusterHandle(
        volume_path=pulumi.Output.from_input(storage.volume_path),
        runner=None,
        kubernetes=reach(
            provider, cluster, address_of(control.registry), storage, identity,
            scalers=scalers(plan, cluster, pools), ready=ready,
        ),
        outputs={
            "cluster": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig,
            **_stores(storage), **_costs(plan),
        },
    )  # fmt: skip


def _groups(plan: AzurePlan) -> list[str]:
    """Groups that `destroy` takes away; those that it leaves are nobody's danger."""
    own = [plan.control_plane.group]
    if plan.network.existing is None and not plan.network.keep:
        own.append(plan.network.group)
    return own


def _pools(
    name: str, plan: AzurePlan, cluster: AksHandle, network: AzureNetworkHandle, opts: pulumi.ResourceOptions
) -> dict[str, AksPool]:
    """One after the other: AKS has one operation of a cluster at a time, and refuses the second."""
    made: dict[str, AksPool] = {}
    for pool in plan.node_pools:
        before = replace(cluster, ready=(*cluster.ready, *list(made.values())[-1:]))
        made[pool.name] = AksPool(
            f"{name}-{pool.name}", plan=pool, cluster=before, network=network, version=plan.control_plane.version,
            region=plan.region, tags=plan.tags, sized_later=plan.sized_by_gate and is_sized_later(pool), opts=opts,
        )  # fmt: skip
    return made


def _rights(
    name: str, plan: AzurePlan, identity: IdentityHandle, objects: BlobHandle | None, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Resource, ...]:
    """The container for the identity of the nodes, as which every pod may act."""
    if objects is None:
        return ()
    right = grant(
        name, AzureRole.STORAGE_BLOB_DATA_CONTRIBUTOR, subscription=plan.subscription,
        principal=identity.nodes_principal, scope=objects.id, opts=opts,
    )  # fmt: skip
    settled = SettledRights(f"{name}-right", subscription=plan.subscription, assignments=[right.id], opts=opts)
    return (*objects.ready, settled)


def _objects(name: str, plan: AzurePlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """A class of quick disks, what nodes need to reach their fabric, and the driver of the file system."""
    made: list[pulumi.Resource] = []
    for manifest in (fast_disks(), *topology_writer(plan.node_pools)):
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made[-1:]))
        made.append(apply_manifest(resource_name(name, manifest), manifest, after))
    if plan.storage.file_system is not None:
        release = lustre_driver(plan.node_pools)
        driver = helm.v3.Release(
            f"{name}-lustre-driver",
            name="azurelustre",
            chart=release.chart,
            version=release.version,
            namespace=NAMESPACE,
            values=dict(release.values),
            timeout=release.timeout_s,
            opts=opts,
        )
        made.append(driver)
    return made


def _stores(storage: AzureStorageHandle) -> Outputs:
    found: dict[str, pulumi.Input[Any]] = {}
    if lustre := storage.file_system:
        found["fileSystem"] = {"id": lustre.id, "address": lustre.address}
    if shared := storage.shared_file_system:
        found["sharedFileSystem"] = {"id": shared.id, "address": shared.address}
    if objects := storage.object_store:
        found["objectStore"] = objects.account
    return found


def _costs(plan: AzurePlan) -> Outputs:
    """Hourly costs as far as prices are known, and the times at which they end."""
    ends = {line.what: line.until.isoformat() for line in plan.bill if line.until}
    if plan.expires_at:
        ends["stack"] = plan.expires_at.isoformat()
    sums = totals(plan.bill)
    return {
        "usdPerHour": float(sums.usd_per_hour),
        "unpriced": [line.what for line in sums.unknown],
        "expires": ends,
    }
