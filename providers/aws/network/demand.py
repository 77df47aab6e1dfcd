"""Addresses that each zone needs when every pool has grown to its largest."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from components.spec.stack import StackSpec
from providers.aws.network.types import Purpose
from providers.aws.types import AwsNodePoolPlan

CONTROL_PLANE = 16
"""EKS's own interfaces, of which there are more while it is updated (EKS User Guide: 6 at least, 16 advised)."""
SYSTEM_NODES, SYSTEM_NODE = 4, 64
"""Nodes for the cluster's own pods, one of them there only during an update, each with its pods."""
LOAD_BALANCERS, LOAD_BALANCER = 2, 8
"""A load balancer asks for 8 free addresses in each of its subnets (Elastic Load Balancing User Guides)."""
GIB_PER_FILE_SERVER = 1200
"""A Lustre file system has one address for each server; that is at most one for each step of its size."""
FILE_SERVER_MARGIN = 2
MOST_GIB = 2**31 - 1
"""Of a file system (FSx API, StorageCapacity); one that is asked to be larger is refused by the storage plan."""
PUBLIC = LOAD_BALANCERS * LOAD_BALANCER + 1
"""Of a public subnet: load balancers that face outside, and a NAT gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressDemand:
    what: str
    addresses: int
    purpose: Purpose = "nodes"
    """Purpose of the subnets that hold them, where a network has such."""


def demands(
    spec: StackSpec, pools: Sequence[AwsNodePoolPlan], zone: str, endpoints: int, eks: bool
) -> tuple[AddressDemand, ...]:
    """Addresses needed in the node subnets of a zone. A pool of several zones may have all its nodes in one."""
    nodes = [
        AddressDemand(
            what=f"{pool.max_count:,} nodes of {pool.name} x {pool.addresses_per_node}",
            addresses=pool.max_count * pool.addresses_per_node,
        )
        for pool in pools
        if zone in pool.zones
    ]
    balancers = AddressDemand(what=f"{LOAD_BALANCERS} load balancers", addresses=LOAD_BALANCERS * LOAD_BALANCER)
    rest = [*_of_control_plane(eks), balancers, *_of_storage(spec)]
    if endpoints:
        rest.append(AddressDemand(what=f"{endpoints} endpoints", addresses=endpoints))
    return (*nodes, *rest)


def _of_control_plane(eks: bool) -> tuple[AddressDemand, ...]:
    if not eks:
        return (AddressDemand(what="the scheduler", addresses=1),)
    system = AddressDemand(what=f"{SYSTEM_NODES} system nodes x {SYSTEM_NODE}", addresses=SYSTEM_NODES * SYSTEM_NODE)
    return (AddressDemand(what="the control plane", addresses=CONTROL_PLANE, purpose="controlPlane"), system)


def _of_storage(spec: StackSpec) -> tuple[AddressDemand, ...]:
    found = []
    if (lustre := spec.storage.file_system) is not None:
        gib = min(1000 * (lustre.capacity_tib or 0), MOST_GIB)
        servers = math.ceil(gib / GIB_PER_FILE_SERVER) + FILE_SERVER_MARGIN
        found.append(AddressDemand(what="file servers", addresses=servers, purpose="storage"))
    if spec.storage.shared_file_system is not None:
        found.append(AddressDemand(what="a mount target", addresses=1, purpose="storage"))
    return tuple(found)
