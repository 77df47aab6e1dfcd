"""A plan as Pulumi resources: network first, then what takes commands, then machines; data beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws

from components.estimate.cost import totals
from components.labels import STACK
from components.node_changes import NodeChanges
from components.provider import ClusterHandle, KubernetesHandle
from providers.aws.control_plane.batch.build import Batch
from providers.aws.control_plane.eks.add_ons import EksAddOns
from providers.aws.control_plane.eks.build import Eks
from providers.aws.control_plane.eks.karpenter import Karpenter
from providers.aws.control_plane.eks.keeping import Keeping
from providers.aws.control_plane.eks.ssm_host import SsmHost, SsmHostHandle
from providers.aws.control_plane.eks.types import EksPlan, SsmHostReach
from providers.aws.control_plane.eks.workload_role import WorkloadRole
from providers.aws.control_plane.host_mounts import EfsMount, HostMount, LustreMount
from providers.aws.control_plane.hyper_pod.build import HyperPod
from providers.aws.control_plane.pcs.build import Pcs
from providers.aws.control_plane.pcs.plan import PcsPlan
from providers.aws.drain_resource import LateLogsResource, NetworkDrainResource
from providers.aws.eks_handle import EksHandle
from providers.aws.images.address import registry_beside
from providers.aws.kubernetes import reach, scaler
from providers.aws.network.build import Network
from providers.aws.network.handle import NetworkHandle
from providers.aws.node_changes import made_of
from providers.aws.nodes.build import NodePool
from providers.aws.plan import AwsPlan
from providers.aws.serving.build import Serving
from providers.aws.storage.access import bucket_rights
from providers.aws.storage.build import Storage
from providers.aws.storage.handle import StorageHandle
from providers.aws.types import AwsNodePoolPlan

Outputs = Mapping[str, pulumi.Input[Any]]


def build_cluster(name: str, plan: AwsPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """The cluster with all that the stack asks for beside it, in the plan's region, under the plan's tags."""
    tags = aws.ProviderDefaultTagsArgs(tags=dict(plan.tags))
    account = _provider(f"{name}-aws", plan, tags, _after_late_logs(f"{name}-late-logs", plan, opts))
    # First of all: where it refuses, nothing has changed yet.
    changes = NodeChanges(f"{name}-nodes", pools=made_of(plan), consent=plan.node_roll_reason, opts=opts)
    inside = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[account], depends_on=[changes]))
    network = Network(f"{name}-network", plan=plan.network, opts=inside).handle
    if isinstance(plan.control_plane, EksPlan):
        outputs, storage, kubernetes = _kubernetes(name, plan, plan.control_plane, network, inside)
    else:
        outputs, storage = _without_kubernetes(name, plan, network, inside)
        kubernetes = None
    serving = Serving(f"{name}-serving", plan=plan.serving, opts=inside)
    return ClusterHandle(
        volume_path=pulumi.Output.from_input(storage.volume_path),
        runner=None,
        kubernetes=kubernetes,
        outputs={**outputs, **_stores(storage), **_serving(serving), **_costs(plan)},
    )


def _after_late_logs(name: str, plan: AwsPlan, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """For the provider of everything: it goes before what looks for late logs, and all else before it."""
    if not isinstance(plan.control_plane, EksPlan):
        return opts
    late = LateLogsResource(
        name, region=plan.region, cluster=plan.control_plane.name, own_network=plan.network.existing is None,
        identity=plan.identity, opts=opts,
    )  # fmt: skip
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[late]))


def _provider(
    name: str, plan: AwsPlan, tags: aws.ProviderDefaultTagsArgs, opts: pulumi.ResourceOptions
) -> aws.Provider:
    """The provider of everything, with the identity and the guards of the stack file's `aws:` keys."""
    asked = plan.account
    return aws.Provider(
        name,
        region=plan.region,
        default_tags=tags,
        profile=asked.profile or None,
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=asked.role_arn)] if asked.role_arn else None,
        allowed_account_ids=list(asked.allowed_account_ids) or None,
        forbidden_account_ids=list(asked.forbidden_account_ids) or None,
        opts=opts,
    )


def _kubernetes(
    name: str, plan: AwsPlan, control: EksPlan, network: NetworkHandle, opts: pulumi.ResourceOptions
) -> tuple[Outputs, StorageHandle, KubernetesHandle]:
    """Cluster, system pool, add-ons, then the stack's pools: they go in the reverse order."""
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(network.held)))
    drain = NetworkDrainResource(
        f"{name}-drain", region=plan.region, cluster=control.name, vpc_id=network.vpc_id,
        identity=plan.identity, opts=after,
    )  # fmt: skip
    host = _host(f"{name}-reach", control, plan, network, opts)
    made = Eks(
        f"{name}-eks", plan=control, network=network, host=host, identity=plan.identity, after=[drain], opts=opts
    )
    cluster = made.handle
    system = _pool(f"{name}-system", control.system_pool, plan, cluster, network, opts)
    add_ons = EksAddOns(f"{name}-addons", plan=control, cluster=cluster, nodes=[system], opts=opts)
    settled = replace(cluster, ready=(*cluster.ready, system))
    pools = {
        pool.name: _pool(f"{name}-{pool.name}", pool, plan, settled, network, opts, sized_later=plan.sized_by_gate)
        for pool in plan.grouped_pools
    }
    others: list[pulumi.Resource] = []
    if plan.hyper_pod:
        others.append(
            HyperPod(
                f"{name}-hyperpod", plan=plan.hyper_pod, cluster=settled, network=network, tags=plan.tags, opts=opts
            )
        )
    storage = _storage(name, plan, network, {"nodes": cluster.cluster_security_group_id}, opts)
    if plan.storage.has_buckets:
        others.append(
            WorkloadRole(f"{name}-workload", cluster=cluster, storage=storage, scheduler=plan.scheduler, opts=opts)
        )
    values: Mapping[str, Mapping[str, Any]] = {}
    if control.kept.asked:
        keeping = Keeping(
            f"{name}-kept", plan=control.kept, region=plan.region, cluster=cluster, key=made.key, opts=opts
        )
        others.append(keeping)
        values = keeping.values
    if control.runs_karpenter:
        karpenter = Karpenter(f"{name}-karpenter", stack=control.name, region=plan.region, cluster=settled, opts=opts)
        others.append(karpenter)
        values = {**values, **karpenter.values}
    known = {"cluster": cluster.cluster_name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig}
    scalers = {pool.name: scaler(plan, cluster, pools[pool.name], pool) for pool in plan.grouped_pools}
    ready = (system, add_ons, *cluster.ways_in, *pools.values(), *others, *storage.ready)
    registry = registry_beside(cluster.cluster_arn, plan.region, plan.tags[STACK])
    inside = reach(name, cluster, registry, storage, scalers, ready=ready, opts=opts)
    return known, storage, replace(inside, addon_values=values)


def _host(
    name: str, control: EksPlan, plan: AwsPlan, network: NetworkHandle, opts: pulumi.ResourceOptions
) -> SsmHostHandle | None:
    """The host that leads to the API server, where the stack asks for one. It goes after all that is in the cluster."""
    if not isinstance(control.reach, SsmHostReach):
        return None
    subnets = plan.network.node_subnets(control.reach.pool.zones)
    return SsmHost(name, plan=control.reach, network=network, subnets=subnets, tags=plan.tags, opts=opts).handle


def _pool(  # noqa: PLR0913 (what surrounds a pool)
    name: str,
    pool: AwsNodePoolPlan,
    plan: AwsPlan,
    cluster: EksHandle,
    network: NetworkHandle,
    opts: pulumi.ResourceOptions,
    *,
    sized_later: bool = False,
) -> NodePool:
    subnets = plan.network.node_subnets(pool.zones)
    return NodePool(
        name, plan=pool, cluster=cluster, network=network, subnets=subnets, sized_later=sized_later, tags=plan.tags,
        opts=opts,
    )  # fmt: skip


def _without_kubernetes(
    name: str, plan: AwsPlan, network: NetworkHandle, opts: pulumi.ResourceOptions
) -> tuple[Outputs, StorageHandle]:
    """Slurm or Batch, whose machines mount the file systems themselves."""
    held = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(network.held)))
    drain = NetworkDrainResource(
        f"{name}-drain", region=plan.region, cluster=plan.control_plane.name, vpc_id=network.vpc_id,
        identity=plan.identity, opts=held,
    )  # fmt: skip
    storage = _storage(name, plan, network, {}, opts)
    mounts, after = _mounts(storage), (drain, *storage.ready)
    if isinstance(plan.control_plane, PcsPlan):
        slurm = Pcs(
            f"{name}-slurm", plan=plan.control_plane, network=network, mounts=mounts, after=after,
            rights=bucket_rights(storage), tags=plan.tags, opts=opts,
        ).handle  # fmt: skip
        known = {"cluster": slurm.cluster_id, "endpoints": slurm.endpoints, "queues": list(slurm.queues)}
        return {**known, "login": slurm.login}, storage
    assert not isinstance(plan.control_plane, EksPlan)
    batch = Batch(
        f"{name}-batch", plan=plan.control_plane, network=network, mounts=mounts, after=after,
        rights=bucket_rights(storage), tags=plan.tags, opts=opts,
    ).handle  # fmt: skip
    return {"queues": dict(batch.queue_arns), "jobDefinitions": dict(batch.job_definition_arns)}, storage


def _storage(
    name: str,
    plan: AwsPlan,
    network: NetworkHandle,
    clients: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> StorageHandle:
    gang = network.gang_security_group_id
    everyone = dict(clients) | ({"gang": gang} if gang is not None else {})
    return Storage(f"{name}-storage", plan=plan.storage, network=network, clients=everyone, opts=opts).handle


def _mounts(storage: StorageHandle) -> list[HostMount]:
    mounts: list[HostMount] = []
    if lustre := storage.file_system:
        mounts.append(LustreMount(path=lustre.mount_path, dns_name=lustre.dns_name, mount_name=lustre.mount_name))
    if shared := storage.shared_file_system:
        mounts.append(EfsMount(path=shared.mount_path, file_system_id=shared.id))
    return mounts


def _stores(storage: StorageHandle) -> Outputs:
    found: dict[str, pulumi.Input[Any]] = {}
    if lustre := storage.file_system:
        found["fileSystem"] = {"id": lustre.id, "dnsName": lustre.dns_name, "mountName": lustre.mount_name}
    if shared := storage.shared_file_system:
        found["sharedFileSystem"] = {"id": shared.id, "dnsName": shared.dns_name}
    if objects := storage.object_store:
        found["objectStore"] = objects.name
    if express := storage.express_store:
        found["expressStore"] = express.name
    if storage.repositories:
        found["repositories"] = dict(storage.repositories)
    return found


def _serving(serving: Serving) -> Outputs:
    named = {
        "sagemakerEndpoints": serving.endpoint_names,
        "throughput": serving.throughput_arns,
        "accelerators": serving.accelerator_names,
    }
    return {key: dict(values) for key, values in named.items() if values}


def _costs(plan: AwsPlan) -> Outputs:
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
