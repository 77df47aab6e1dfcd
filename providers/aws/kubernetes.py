"""Access to the inside of an EKS cluster: its API server, its file systems, its node groups."""

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import eks

from components.provider import KubernetesHandle, StaticVolume
from providers.aws.eks_handle import EksHandle
from providers.aws.nodes.build import NodePool
from providers.aws.plan import AwsPlan
from providers.aws.storage.handle import StorageHandle
from providers.aws.storage.plan import CLAIMS
from providers.aws.types import AwsNodePoolPlan, BlockCapacity, ReservedCapacity

Scaler = Mapping[str, pulumi.Input[str]]

ELASTIC_GIB = 1024
"""A capacity has to be given for a claim; an elastic file system has none, and the driver passes it over."""


def reach(  # noqa: PLR0913 (all that a cluster has, by name)
    name: str,
    cluster: EksHandle,
    registry: pulumi.Output[str],
    storage: StorageHandle,
    scalers: Mapping[str, Mapping[str, pulumi.Input[str]]],
    *,
    ready: tuple[pulumi.Resource, ...],
    opts: pulumi.ResourceOptions,
) -> KubernetesHandle:
    """Handle for deploying onto the cluster, which pulls from `registry`. Every deployment depends on `ready`."""
    provider = kubernetes.Provider(
        f"{name}-kubernetes",
        kubeconfig=cluster.kubeconfig,
        cluster_identifier=cluster.cluster_arn,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return KubernetesHandle(
        provider=provider,
        kubeconfig=cluster.kubeconfig,
        registry=registry,
        volumes=tuple(_volumes(storage)),
        scalers=scalers,
        ready=ready,
    )


def _volumes(storage: StorageHandle) -> Iterator[StaticVolume]:
    if lustre := storage.file_system:
        csi = {
            "driver": "fsx.csi.aws.com",
            "volumeHandle": lustre.id,
            "volumeAttributes": {"dnsname": lustre.dns_name, "mountname": lustre.mount_name},
        }
        size = lustre.capacity_gib or ELASTIC_GIB
        yield StaticVolume(claim=CLAIMS["fileSystem"], capacity_gib=size, source={"csi": csi}, mount_options=("flock",))
    if shared := storage.shared_file_system:
        csi = {"driver": "efs.csi.aws.com", "volumeHandle": shared.id}
        yield StaticVolume(claim=CLAIMS["sharedFileSystem"], capacity_gib=ELASTIC_GIB, source={"csi": csi})


def scaler(plan: AwsPlan, cluster: EksHandle, pool: NodePool, asked: AwsNodePoolPlan) -> Scaler:
    """EKS keeps the size of its own groups; the others have none but their auto scaling group's. What is paid for in
    advance is marked: no nodes there cost as much as some. `machines` is another whenever the group is made anew.
    """
    known: dict[str, pulumi.Input[str]] = {
        "cloud": "aws", "region": plan.region, "least": str(asked.least_in_group), "most": str(asked.max_count),
        "machines": pool.auto_scaling_group, **plan.identity,
    }  # fmt: skip
    if isinstance(asked.capacity, BlockCapacity | ReservedCapacity):
        known["prepaid"] = "true"
    if asked.fallback:
        known["fallback"] = asked.fallback
    if isinstance(pool.group, eks.NodeGroup):
        return {**known, "kind": "eks", "cluster": cluster.cluster_name, "group": pool.group.node_group_name}
    return {**known, "kind": "autoscaling", "group": pool.auto_scaling_group}
