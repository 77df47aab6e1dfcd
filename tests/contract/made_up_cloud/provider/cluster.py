"""The plan as resources of the engine."""

from __future__ import annotations

import json

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import POOL_LABEL
from components.provider import ClusterHandle, KubernetesHandle, StaticVolume
from tests.contract.made_up_cloud.provider import sdk
from tests.contract.made_up_cloud.provider.plan import MadeUpPlan


def build_cluster(name: str, plan: MadeUpPlan, opts: pulumi.ResourceOptions) -> ClusterHandle:
    """Network, cluster and pools; what is inside comes after the pools."""
    network = sdk.Network(f"{name}-network", cidr=plan.cidr, opts=opts)
    assert plan.kubernetes is not None
    cluster = sdk.Cluster(f"{name}-cluster", network=network.id, version=plan.kubernetes.version, opts=opts)
    pools = tuple(
        sdk.Pool(
            f"{name}-{pool.name}", cluster=cluster.id, machine=pool.machine.name, count=pool.node_count,
            labels={POOL_LABEL: pool.name}, opts=opts,
        )
        for pool in plan.node_pools
    )  # fmt: skip
    kubeconfig: pulumi.Output[str] = pulumi.Output.secret(
        pulumi.Output.all(cluster.endpoint, cluster.authority).apply(lambda known: _kubeconfig(*known))
    )
    provider = kubernetes.Provider(
        f"{name}-kubernetes", kubeconfig=kubeconfig, cluster_identifier=cluster.id,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )  # fmt: skip
    volume = StaticVolume(claim=plan.volume.claim, capacity_gib=1024, source={"nfs": {"server": "nfs", "path": "/"}})
    return ClusterHandle(
        volume_path=pulumi.Output.from_input(plan.volume.path),
        runner=None,
        kubernetes=KubernetesHandle(provider=provider, kubeconfig=kubeconfig, volumes=(volume,), ready=pools),
        outputs={"network": network.id},
    )


def _kubeconfig(endpoint: str, authority: str) -> str:
    login = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "madeup", "args": ["token"]}
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "madeup",
        "clusters": [{"name": "madeup", "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
        "users": [{"name": "madeup", "user": {"exec": login}}],
        "contexts": [{"name": "madeup", "context": {"cluster": "madeup", "user": "madeup"}}],
    })  # fmt: skip
