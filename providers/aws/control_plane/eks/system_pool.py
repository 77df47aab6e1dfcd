"""The pool that the cluster itself lives on: DNS, storage drivers, and later the operators and queues."""

from dataclasses import replace

from providers.aws.catalog import machines
from providers.aws.nodes.plain_pool import plain_pool
from providers.aws.regions import regions
from providers.aws.types import AwsNodePoolPlan

NAME = "system"
NODES = 2
MACHINE_TYPES = ("m7i.xlarge", "m7g.xlarge")
"""The first that the region may have in two of the zones."""


def system_pool(zones: tuple[str, ...], region: str, *, node_repair: bool, release: str) -> AwsNodePoolPlan | None:
    """Two nodes in two of these zones: one zone may fail, and an update takes one after the other. None where no
    machine type of ours is offered in two of them.

    It has no taint: pods that ask no accelerator have nowhere else to run, and pools with accelerators are tainted.
    """
    place, types = regions()[region], [machines()[name] for name in MACHINE_TYPES]
    usual = [(row, [zone for zone in zones if place.usually_offers(zone, row.zones)]) for row in types]
    able = [(row, [zone for zone in zones if place.may_offer(zone, row.zones)]) for row in types]
    for machine, standing in (*usual, *able):
        if len(standing) >= NODES:
            pool = plain_pool(NAME, machine, tuple(standing[:NODES]), NODES, node_repair=node_repair)
            return replace(pool, release=release)
    return None
