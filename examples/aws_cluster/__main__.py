"""A whole accelerator cluster as one component of a program that has other things to do too."""

from datetime import UTC, datetime

import pulumi

from components.cluster import AcceleratorCluster
from components.errors import PenstockError
from components.spec.cluster import CapacitySpec, ClusterSpec, FabricSpec, NodePoolSpec, Spot
from components.spec.platform import GateSpec, PlatformSpec
from components.spec.stack import StackSpec
from components.spec.storage import FileSystemSpec, ObjectStoreSpec, OnDestroy, StorageSpec
from providers import aws
from providers.aws.reach_settings import ReachSpec, SsmHostSpec
from providers.aws.settings import AwsSpec, EksSpec

config = pulumi.Config()


def asked() -> StackSpec:
    """The same that a stack file of penstock's would hold."""
    train = NodePoolSpec(name="train", machine_type="g6e.8xlarge", count=2)
    serve = NodePoolSpec(
        name="serve",
        machine_type="g6.xlarge",
        capacity=CapacitySpec(spot=Spot()),
        fabric=FabricSpec(none="every replica fits on one node"),
    )
    return StackSpec(
        cluster=ClusterSpec(
            cloud="aws",
            region=config.require("region"),
            kubernetes_version="1.35",
            budget_usd_per_hour=20,
            node_pools=(train, serve),
        ),
        storage=StorageSpec(
            file_system=FileSystemSpec(capacity_tib=1.2, throughput_mbps_per_tib=125, on_destroy=OnDestroy.DELETE),
            object_store=ObjectStoreSpec(on_destroy=OnDestroy.DELETE),
        ),
        # Nothing of penstock's goes into the cluster, so no gate sizes the pools: they are made with their nodes.
        platform=PlatformSpec(gate=GateSpec(enabled=False)),
        settings=AwsSpec(control_plane=EksSpec(reach=ReachSpec(ssm_host=SsmHostSpec())), tags={"team": "research"}),
    )


try:
    plan = aws.plan(asked(), f"team-{pulumi.get_stack()}", datetime.now(UTC))
except PenstockError as problem:
    raise pulumi.RunError(str(problem)) from None
for warning in plan.warnings:
    pulumi.warn(warning)
cluster = AcceleratorCluster("team", provider=aws, plan=plan)

pulumi.export("kubeconfig", cluster.outputs["kubeconfig"])
pulumi.export("usdPerHour", cluster.outputs["usdPerHour"])
pulumi.export("volume", cluster.volume_path)
