"""Decided network on AWS."""

from dataclasses import dataclass
from typing import Literal

from components.plan.cluster import SubnetPlan
from components.spec.cluster import Nat

Purpose = Literal["public", "nodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSubnetPlan(SubnetPlan):
    purpose: Purpose
    """Public ones hold the NAT gateways and load balancers that face outside, and no node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    region: str
    cidr: str
    further_cidrs: tuple[str, ...]
    """Ranges associated with the VPC beside its first: for nodes that a /16 does not hold."""
    zones: tuple[str, ...]
    subnets: tuple[AwsSubnetPlan, ...]
    nat: Nat
    nat_zones: tuple[str, ...]
    """Zones of the NAT gateways."""
    gateway_endpoints: tuple[str, ...]
    """Services reached by a route, which costs nothing: `s3`."""
    interface_endpoints: tuple[str, ...]
    """Services reached without leaving the network: `ecr.api`."""
    flow_logs: bool
    gang_group: bool
    """True if nodes have a security group of their own: for a fabric, and where no Kubernetes brings one."""

    def node_subnets(self, zones: tuple[str, ...]) -> tuple[AwsSubnetPlan, ...]:
        """The subnets that nodes of these zones stand in."""
        return tuple(subnet for subnet in self.subnets if subnet.purpose == "nodes" and subnet.zone in zones)

    def public_subnets(self) -> tuple[AwsSubnetPlan, ...]:
        return tuple(subnet for subnet in self.subnets if subnet.purpose == "public")
