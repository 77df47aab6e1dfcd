"""Decided network on AWS."""

from dataclasses import dataclass
from typing import Literal

from components.plan.cluster import SubnetPlan
from components.spec.cluster import Nat

Purpose = Literal["public", "nodes", "controlPlane", "storage"]
"""The last two are those of a network that is there already and has them; else nodes' subnets hold all."""

ROLE_TAG = {"public": "kubernetes.io/role/elb", "nodes": "kubernetes.io/role/internal-elb"}
"""By these, load balancer controllers find the subnets for balancers that face outside and inside, and Karpenter those
of nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSubnetPlan(SubnetPlan):
    purpose: Purpose
    """Public ones hold the NAT gateways and load balancers that face outside, and no node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingNetwork:
    """A network that is there already, and of which nothing is the stack's."""

    vpc: str
    node_group: str
    """Security group of every node; empty where the stack makes what it needs."""
    control_plane_group: str
    """Further security group of an EKS control plane; empty for none."""
    services: tuple[str, ...]
    """Services of AWS that nodes reach by its routes or its endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    region: str
    cidr: str
    """First range; empty where only the account knows it: of a network that is there already."""
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
    default_group_of_jobs: bool
    """True if containers of jobs stand in the VPC's default security group, as those of Batch do."""
    existing: ExistingNetwork | None = None
    """None for a network that the stack makes."""

    def node_subnets(self, zones: tuple[str, ...]) -> tuple[AwsSubnetPlan, ...]:
        """The subnets that nodes of these zones stand in."""
        return tuple(subnet for subnet in self.subnets if subnet.purpose == "nodes" and subnet.zone in zones)

    def subnet_for(self, purpose: Purpose, zone: str) -> AwsSubnetPlan | None:
        """The zone's subnet of that purpose, of nodes where the network has none of it; None where it has no subnet
        for it there."""
        own = [subnet for subnet in self.subnets if subnet.purpose == purpose]
        return next((subnet for subnet in own or self.subnets_of_nodes if subnet.zone == zone), None)

    @property
    def subnets_of_nodes(self) -> tuple[AwsSubnetPlan, ...]:
        return self.node_subnets(self.zones)

    def public_subnets(self) -> tuple[AwsSubnetPlan, ...]:
        return tuple(subnet for subnet in self.subnets if subnet.purpose == "public")
