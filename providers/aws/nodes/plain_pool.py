"""Pools of plain machines that a control plane has for itself: no accelerators, no fabric, at list price."""

from collections.abc import Sequence

from components.fabric import Collective, Fabric
from components.labels import CAPACITY_LABEL, POOL_LABEL
from components.plan.cluster import PodBinding
from providers.aws.catalog import AwsMachine, machines
from providers.aws.nodes.allocatable import allocatable
from providers.aws.nodes.binding import ami_type, capacity_word
from providers.aws.nodes.interfaces import addresses_per_node, interfaces, max_pods
from providers.aws.regions import regions
from providers.aws.types import AwsNodePoolPlan, NoGroup, OnDemandCapacity

_ROOT_DISK_GIB = 100


def machine_in(
    types: Sequence[str], zones: Sequence[str], region: str, *, least: int = 1
) -> tuple[AwsMachine, tuple[str, ...]] | None:
    """The first of the machine types that `least` of the zones offer, with those that do; of zones by name, first by
    the map that most accounts have. None where it is known that none is.
    """
    place, rows = regions()[region], [machines()[name] for name in types]
    usual = [(row, tuple(zone for zone in zones if place.usually_offers(zone, row.zones))) for row in rows]
    able = [(row, tuple(zone for zone in zones if place.may_offer(zone, row.zones))) for row in rows]
    return next((found for found in (*usual, *able) if len(found[1]) >= least), None)


def plain_pool(
    name: str, machine: AwsMachine, zones: tuple[str, ...], nodes: int, *, node_repair: bool
) -> AwsNodePoolPlan:
    """A pool of a fixed size without taints."""
    layout, capacity = interfaces(machine, fabric=False), OnDemandCapacity()
    return AwsNodePoolPlan(
        name=name,
        machine=machine,
        node_count=nodes,
        min_count=nodes,
        max_count=nodes,
        fabric=Fabric.ETHERNET,
        collective=Collective.GLOO,
        binding=PodBinding(node_selector={POOL_LABEL: name}),
        node_allocatable=allocatable(machine, efa_devices=0),
        zones=zones,
        addresses_per_node=addresses_per_node(machine, layout),
        interfaces=layout,
        capacity=capacity,
        placement=NoGroup(),
        ami_type=ami_type(machine),
        self_managed=False,
        labels={POOL_LABEL: name, CAPACITY_LABEL: capacity_word(capacity)},
        taints=(),
        root_disk_gib=_ROOT_DISK_GIB,
        desired_now=nodes,
        max_pods=max_pods(machine, layout),
        node_repair=node_repair,
    )
