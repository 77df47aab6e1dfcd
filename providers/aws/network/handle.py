"""The network as it was built: what other parts refer to."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkHandle:
    vpc_id: pulumi.Output[str]
    subnet_ids: Mapping[str, pulumi.Output[str]]
    """By the plan's subnet name."""
    gang_security_group_id: pulumi.Output[str] | None
    """All traffic to and from itself, both ways, by its own id; None where the plan needs none."""
    control_plane_security_group_id: pulumi.Output[str] | None = None
    """A further group of the control plane's interfaces, which is there already; None for none."""
    gang_is_given: bool = False
    """True where the nodes' group is there already: every node has it, and nobody adds a rule to it."""
    held: tuple[pulumi.Resource, ...] = ()
    """Resources that cannot go while something in them is left: subnets, the gateway to the internet, the group."""
    ready: tuple[pulumi.Resource, ...] = ()
    """Resources that must stand before a machine can reach anything: routes, endpoints, rules."""
