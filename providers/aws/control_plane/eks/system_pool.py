"""The pool that the cluster itself lives on: DNS, storage drivers, and later the operators and queues."""

from dataclasses import replace

from providers.aws.catalog import machines
from providers.aws.nodes.plain_pool import plain_pool
from providers.aws.regions import regions
from providers.aws.types import AwsNodePoolPlan

NAME = "system"
NODES = 2
MACHINE_TYPES = ("m7i.xlarge", "m7g.xlarge")
"""The first that the region has in two zones."""


def system_pool(zones: tuple[str, ...], region: str, *, node_repair: bool, release: str) -> AwsNodePoolPlan | None:
    """Two nodes in two of these zones: one zone may fail, and an update takes one after the other. None where no
    machine type of ours is offered in two of them.

    It has no taint: pods that ask no accelerator have nowhere else to run, and pools with accelerators are tainted.
    """
    for name in MACHINE_TYPES:
        offered = machines()[name].zones_in(regions()[region])
        if len(able := [zone for zone in zones if zone in offered]) >= NODES:
            pool = plain_pool(NAME, machines()[name], tuple(able[:NODES]), NODES, node_repair=node_repair)
            return replace(pool, release=release)
    return None
