"""The pool that the cluster itself lives on: DNS, storage drivers, and later the operators and queues."""

from dataclasses import replace

from providers.aws.nodes.plain_pool import machine_in, plain_pool
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
    found = machine_in(MACHINE_TYPES, zones, region, least=NODES)
    if found is None:
        return None
    machine, able = found
    return replace(plain_pool(NAME, machine, able[:NODES], NODES, node_repair=node_repair), release=release)
