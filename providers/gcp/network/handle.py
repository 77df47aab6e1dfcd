"""The network as it was built: what other parts refer to."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpNetworkHandle:
    network: pulumi.Output[str]
    """Its link, by which Google's APIs know it."""
    network_id: pulumi.Output[str]
    """`projects/P/global/networks/N`."""
    subnet: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    """`projects/P/regions/R/subnetworks/S`."""
    pods_range: str
    services_range: str
    fabric_networks: Mapping[str, pulumi.Output[str]]
    """Names of the networks of fabrics, by the plan's name."""
    fabric_subnets: Mapping[str, pulumi.Output[str]]
    """Names of their subnets, by the plan's name."""
    held: tuple[pulumi.Resource, ...]
    """Resources that cannot go while something in them is left."""
    ready: tuple[pulumi.Resource, ...]
    """Resources that must stand before a machine can reach anything."""
    peered: tuple[pulumi.Resource, ...]
    """Private Service Access; none where it is there already or not needed."""
