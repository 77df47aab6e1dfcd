"""The pool that the cluster itself lives on: DNS, storage drivers, and later the operators and queues."""

from components.plan.fabric import Collective, Fabric
from components.plan.types import PodBinding
from providers.aws.catalog import Arch, AwsMachine, machines
from providers.aws.nodes.types import AwsNodePoolPlan, Interface, NoGroup, OnDemandCapacity
from providers.aws.regions import regions

NAME = "system"
NODES = 2
MACHINE_TYPES = ("m7i.xlarge", "m7g.xlarge")
"""The first that the region has in two zones."""
_IMAGES = {Arch.X86_64: "AL2023_x86_64_STANDARD", Arch.ARM64: "AL2023_ARM_64_STANDARD"}
_ADDRESSES_PER_NODE = 64
"""A node's own, and those of the 58 pods that it holds (four interfaces of 15)."""
_ROOT_DISK_GIB = 100


def system_pool(zones: tuple[str, ...], region: str) -> AwsNodePoolPlan | None:
    """Two nodes in two of these zones: one zone may fail, and an update takes one after the other. None where no
    machine type of ours is offered in two of them.

    It has no taint: pods that ask no accelerator have nowhere else to run, and pools with accelerators are tainted.
    """
    for name in MACHINE_TYPES:
        offered = machines()[name].zones_in(regions()[region])
        if len(able := [zone for zone in zones if zone in offered]) >= NODES:
            return _pool(tuple(able[:NODES]), machines()[name])
    return None


def _pool(zones: tuple[str, ...], machine: AwsMachine) -> AwsNodePoolPlan:
    return AwsNodePoolPlan(
        name=NAME,
        machine=machine,
        node_count=NODES,
        min_count=NODES,
        max_count=NODES,
        fabric=Fabric.ETHERNET,
        collective=Collective.GLOO,
        binding=PodBinding(node_selector=_LABELS),
        zones=zones,
        addresses_per_node=_ADDRESSES_PER_NODE,
        interfaces=(Interface(card=0, device=0, kind="interface"),),
        capacity=OnDemandCapacity(),
        placement=NoGroup(),
        ami_type=_IMAGES[machine.arch],
        self_managed=False,
        labels=_LABELS,
        taints=(),
        root_disk_gib=_ROOT_DISK_GIB,
        desired_now=NODES,
    )


_LABELS = {"penstock.dev/pool": NAME}
