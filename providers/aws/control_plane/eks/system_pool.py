"""The pool that the cluster itself lives on: DNS, storage drivers, and later the operators and queues."""

from components.fabric import Collective, Fabric
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import PodBinding
from providers.aws.catalog import AwsMachine, machines
from providers.aws.nodes.allocatable import allocatable
from providers.aws.nodes.binding import ami_type, capacity_word
from providers.aws.nodes.interfaces import addresses_per_node, interfaces, max_pods
from providers.aws.regions import regions
from providers.aws.types import AwsNodePoolPlan, NoGroup, OnDemandCapacity

NAME = "system"
NODES = 2
MACHINE_TYPES = ("m7i.xlarge", "m7g.xlarge")
"""The first that the region has in two zones."""
_ROOT_DISK_GIB = 100


def system_pool(zones: tuple[str, ...], region: str, *, node_repair: bool) -> AwsNodePoolPlan | None:
    """Two nodes in two of these zones: one zone may fail, and an update takes one after the other. None where no
    machine type of ours is offered in two of them.

    It has no taint: pods that ask no accelerator have nowhere else to run, and pools with accelerators are tainted.
    """
    for name in MACHINE_TYPES:
        offered = machines()[name].zones_in(regions()[region])
        if len(able := [zone for zone in zones if zone in offered]) >= NODES:
            return _pool(tuple(able[:NODES]), machines()[name], node_repair)
    return None


def _pool(zones: tuple[str, ...], machine: AwsMachine, node_repair: bool) -> AwsNodePoolPlan:
    layout, capacity = interfaces(machine, fabric=False), OnDemandCapacity()
    return AwsNodePoolPlan(
        name=NAME,
        machine=machine,
        node_count=NODES,
        min_count=NODES,
        max_count=NODES,
        fabric=Fabric.ETHERNET,
        collective=Collective.GLOO,
        binding=PodBinding(node_selector={POOL_LABEL: NAME}),
        node_allocatable=allocatable(machine, efa_devices=0),
        zones=zones,
        addresses_per_node=addresses_per_node(machine, layout),
        interfaces=layout,
        capacity=capacity,
        placement=NoGroup(),
        ami_type=ami_type(machine),
        self_managed=False,
        labels={POOL_LABEL: NAME, CAPACITY_LABEL: capacity_word(capacity)},
        taints=(),
        root_disk_gib=_ROOT_DISK_GIB,
        desired_now=NODES,
        max_pods=max_pods(machine, layout),
        node_repair=node_repair,
    )
