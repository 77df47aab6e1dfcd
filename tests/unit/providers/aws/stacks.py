"""Small stacks and pools for the tests of one part alone."""

from typing import Any

from components.fabric import Collective, Fabric
from components.plan.cluster import PodBinding
from components.spec.stack import StackSpec, parse_stack
from providers import clouds
from providers.aws.catalog import machines
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan, Interface, NoGroup, OnDemandCapacity

REGION = "us-east-2"


def stack(
    *, network: dict[str, Any] | None = None, storage: dict[str, Any] | None = None, aws: dict[str, Any] | None = None,
    region: str | None = REGION, volume: dict[str, Any] | None = None,
) -> tuple[StackSpec, AwsSpec]:  # fmt: skip
    """The spec of a stack file with these keys, and its AWS settings."""
    cluster: dict[str, Any] = {"cloud": "aws", "nodePools": [{"name": "train", "machineType": "p5.48xlarge"}]}
    cluster |= {"region": region} if region else {}
    cluster |= {"network": network} if network else {}
    asked = dict(storage or {}) | ({"volume": volume} if volume else {})
    config = {"penstock:cluster": cluster, "penstock:storage": asked, "penstock:aws": aws or {}}
    spec = parse_stack(config, "Pulumi.aws-test.yaml", clouds())
    assert isinstance(spec.settings, AwsSpec)
    return spec, spec.settings


def pool(
    name: str = "train", machine_type: str = "p5.48xlarge", *, nodes: int = 32,
    zones: tuple[str, ...] = ("us-east-2b",), addresses: int = 50, efa: bool = True,
) -> AwsNodePoolPlan:  # fmt: skip
    """A pool of on-demand machines whose count does not change."""
    devices = (Interface(card=0, device=0, kind="interface"), Interface(card=0, device=1, kind="efa-only"))
    return AwsNodePoolPlan(
        name=name,
        machine=machines()[machine_type],
        node_count=nodes,
        min_count=nodes,
        max_count=nodes,
        fabric=Fabric.EFA if efa else Fabric.ETHERNET,
        collective=Collective.NCCL,
        binding=PodBinding(),
        zones=zones,
        addresses_per_node=addresses,
        interfaces=devices if efa else devices[:1],
        capacity=OnDemandCapacity(),
        placement=NoGroup(),
        ami_type="AL2023_x86_64_NVIDIA",
        self_managed=False,
        labels={},
        taints=(),
        root_disk_gib=100,
        desired_now=nodes,
    )
