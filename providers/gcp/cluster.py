"""A plan as Pulumi resources: APIs and network first, then the cluster, then machines; data beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import storage as buckets

from components.estimate.cost import totals
from components.kubernetes.manifest import apply_manifest, resource_name
from components.node_changes import NodeChanges
from components.plan.kubernetes import NAMESPACE
from components.provider import ClusterHandle, KubernetesHandle
from components.schedulers.slurm.plan import SLURM_NAMESPACE
from components.spec.scheduler import SchedulerKind
from providers.gcp.apis import Apis
from providers.gcp.balancer.build import Front
from providers.gcp.balancer.types import FrontPlan
from providers.gcp.control_plane.build import Gke
from providers.gcp.control_plane.director.build import Director
from providers.gcp.control_plane.director.types import DirectorPlan
from providers.gcp.drain_resource import GcpDrainResource
from providers.gcp.gke_handle import GkeHandle
from providers.gcp.images.address import address_of
from providers.gcp.inside.gib import installer
from providers.gcp.inside.networks import network_objects
from providers.gcp.kubernetes import provider_of, reach, scalers
from providers.gcp.network.build import GcpNetwork
from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.node_changes import made_of
from providers.gcp.nodes.build import GkePool, is_sized_later
from providers.gcp.ownership import hyperdisks
from providers.gcp.plan import GcpPlan
from providers.gcp.serving.build import GardenEndpoints
from providers.gcp.storage.build import GcpStorage
from providers.gcp.storage.handle import GcpStorageHandle, GcsHandle
from providers.gcp.types import GcpNodePoolPlan, GkePlan

Outputs = Mapping[str, pulumi.Input[Any]]


def build_cluster(name: str, plan: GcpPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The cluster with all that the stack asks for beside it, in the plan's project and region, under its labels."""
    account = _provider(f"{name}-gcp", plan, opts)
    # First of all: where it refuses, nothing has changed yet.
    changes = NodeChanges(f"{name}-nodes", pools=made_of(plan), consent=plan.node_roll_reason, opts=opts)
    first = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[account], depends_on=[changes]))
    apis = Apis(f"{name}-apis", project=plan.project, services=plan.services, identity=plan.identity, opts=first)
    inside = pulumi.ResourceOptions.merge(first, pulumi.ResourceOptions(depends_on=[apis]))
    network = GcpNetwork(
        f"{name}-network", plan=plan.network, project=plan.project, after=[apis], opts=inside
    ).handle  # fmt: skip
    storage = GcpStorage(
        f"{name}-storage", plan=plan.storage, network=network, project=plan.project, opts=inside
    ).handle
    endpoints = (
        GardenEndpoints(f"{name}-endpoints", plan=plan.endpoints, region=plan.region, opts=inside).names
        if plan.endpoints
        else {}
    )
    beside = {**_stores(storage), **({"endpoints": endpoints} if endpoints else {}), **_costs(plan)}
    path = pulumi.Output.from_input(storage.volume_path)
    front = partial(_front, name, plan, network, inside) if plan.front != FrontPlan.nothing() else None
    if isinstance(plan.control_plane, DirectorPlan):
        known = _slurm(name, plan, plan.control_plane, network, storage, inside)
        return ClusterHandle(volume_path=path, runner=None, outputs={**known, **beside}, front=front)
    known, handle = _kubernetes(name, plan, plan.control_plane, network, storage, opts=opts, inside=inside)
    return ClusterHandle(volume_path=path, runner=None, kubernetes=handle, outputs={**known, **beside}, front=front)


def _slurm(
    name: str, plan: GcpPlan, control: DirectorPlan, network: GcpNetworkHandle, storage: GcpStorageHandle,
    opts: pulumi.ResourceOptions,
) -> Outputs:  # fmt: skip
    """A cluster of Cluster Director, to which people come by ssh: no API of Kubernetes, and no registry."""
    slurm = Director(
        f"{name}-slurm", plan=control, network=network, storage=storage, labels=plan.labels, opts=opts
    ).handle  # fmt: skip
    return {"cluster": slurm.cluster, "queues": list(slurm.queues), "login": slurm.login, "submit": slurm.submit}


def _kubernetes(  # noqa: PLR0913 (what surrounds a cluster)
    name: str, plan: GcpPlan, control: GkePlan, network: GcpNetworkHandle, storage: GcpStorageHandle, *,
    opts: pulumi.ResourceOptions, inside: pulumi.ResourceOptions,
) -> tuple[Outputs, KubernetesHandle]:  # fmt: skip
    """Cluster, system pool, pools, and what is handed in there: they go in the reverse order."""
    after = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=list(network.held)))
    drain = GcpDrainResource(
        f"{name}-drain", project=plan.project, region=plan.region, cluster=control.name,
        network=plan.network.name, own=plan.network.existing is None,
        groups=[plan.front.group.name] if plan.front.group else [], identity=plan.identity, opts=after,
    )  # fmt: skip
    cluster = Gke(f"{name}-gke", plan=control, network=network, after=[drain], opts=inside).handle
    system = _pool(f"{name}-system", control.system_pool, plan, cluster, network, inside)
    pools = _pools(name, plan, replace(cluster, ready=(*cluster.ready, system)), network, inside)
    rights = _rights(f"{name}-workload", plan, cluster, storage.object_store, inside) if storage.object_store else ()
    provider = provider_of(name, cluster, pulumi.ResourceOptions(parent=opts.parent))
    there = pulumi.ResourceOptions(parent=opts.parent, provider=provider, depends_on=[system, *pools.values()])
    objects = _objects(name, plan, control, there)
    ready = (system, *pools.values(), *rights, *objects, *storage.ready)
    registry = address_of(plan.project, plan.region, control.name)
    known = {"cluster": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig}
    return known, reach(provider, cluster, registry, storage, scalers(plan, cluster, pools), ready)


def _front(
    name: str, plan: GcpPlan, network: GcpNetworkHandle, opts: pulumi.ResourceOptions,
    services: Sequence[pulumi.Resource],
) -> Outputs:  # fmt: skip
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(services)))
    opened = network.network_id if plan.network.existing is None else None
    return Front(
        f"{name}-front", plan=plan.front, network=opened, project=plan.project, identity=plan.identity, opts=after
    ).outputs


def _provider(name: str, plan: GcpPlan, opts: pulumi.ResourceOptions) -> gcp.Provider:
    """The provider of everything, with the identity of the stack file's `gcp:` keys."""
    asked = plan.account
    return gcp.Provider(
        name,
        project=plan.project,
        region=plan.region,
        default_labels=dict(plan.labels),
        impersonate_service_account=asked.impersonate_service_account,
        billing_project=asked.billing_project or None,
        user_project_override=asked.user_project_override or None,
        opts=opts,
    )


def _pool(  # noqa: PLR0913 (what surrounds a pool)
    name: str, pool: GcpNodePoolPlan, plan: GcpPlan, cluster: GkeHandle, network: GcpNetworkHandle,
    opts: pulumi.ResourceOptions, *, sized_later: bool = False,
) -> GkePool:  # fmt: skip
    return GkePool(
        name,
        plan=pool,
        cluster=cluster,
        network=network,
        fabrics=plan.network,
        sized_later=sized_later,
        with_lustre=plan.storage.file_system is not None,
        marks=plan.labels,
        opts=opts,
    )


def _pools(
    name: str, plan: GcpPlan, cluster: GkeHandle, network: GcpNetworkHandle, opts: pulumi.ResourceOptions
) -> dict[str, GkePool]:
    """One after the other: GKE changes one pool of a cluster at a time, and the provider repeats a second's request in
    silence until its patience ends."""
    made: dict[str, GkePool] = {}
    for pool in plan.node_pools:
        after = replace(cluster, ready=(*cluster.ready, *list(made.values())[-1:]))
        made[pool.name] = _pool(
            f"{name}-{pool.name}", pool, plan, after, network, opts,
            sized_later=plan.sized_by_gate and is_sized_later(pool),
        )  # fmt: skip
    return made


def _rights(
    name: str, plan: GcpPlan, cluster: GkeHandle, bucket: GcsHandle, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Resource, ...]:
    """The bucket for every pod of the jobs' namespaces, by Workload Identity: its pool is there when a first cluster of
    the project is, so it comes after the cluster.
    """
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(cluster.ready)))
    return tuple(
        buckets.BucketIAMMember(
            own,
            bucket=bucket.name,
            role="roles/storage.objectUser",
            member=bucket.project_number.apply(partial(_pods_of, f"{plan.project}.svc.id.goog", space)),
            opts=after,
        )
        for space, own in _spaces(plan, name)
    )


def _spaces(plan: GcpPlan, name: str) -> Iterator[tuple[str, str]]:
    """Namespaces whose pods use the bucket, each with its right's name."""
    yield NAMESPACE, name
    if plan.scheduler == SchedulerKind.SLURM and plan.storage.object_store and plan.storage.object_store.mount_path:
        yield SLURM_NAMESPACE, f"{name}-{SLURM_NAMESPACE}"


def _pods_of(pool: str, space: str, project_number: str) -> str:
    """All pods of a namespace, as IAM names them (GKE, "About Workload Identity Federation for GKE")."""
    place = f"projects/{project_number}/locations/global/workloadIdentityPools/{pool}"
    return f"principalSet://iam.googleapis.com/{place}/namespace/{space}"


def _objects(name: str, plan: GcpPlan, control: GkePlan, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Objects of GKE's own kinds and of its nodes: a class of disks for machines that attach no other than Hyperdisk,
    the networks of a fabric, and the plugin by which NCCL reaches them.
    """
    wanted = list(network_objects(plan.network))
    if any("pd-balanced" not in pool.machine.boot_disks for pool in plan.node_pools):
        wanted.append(hyperdisks(control.name))
    if wired := [pool.name for pool in plan.node_pools if pool.networks]:
        wanted.append(installer(wired))
    made: list[pulumi.Resource] = []
    for manifest in wanted:
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made[-1:]))
        made.append(apply_manifest(resource_name(name, manifest), manifest, after))
    return made


def _stores(storage: GcpStorageHandle) -> Outputs:
    found: dict[str, pulumi.Input[Any]] = {}
    if lustre := storage.file_system:
        found["fileSystem"] = {"id": lustre.volume, "address": lustre.address}
    if shared := storage.shared_file_system:
        found["sharedFileSystem"] = {"id": shared.volume, "address": shared.address}
    if objects := storage.object_store:
        found["objectStore"] = objects.name
    return found


def _costs(plan: GcpPlan) -> Outputs:
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
