"""The network as Pulumi resources."""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2

from providers.aws.network.endpoints import make_endpoints
from providers.aws.network.flow_logs import FlowLogs
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.routing import make_routes, make_subnets
from providers.aws.network.security import default_group_of_jobs, empty_default_group, make_gang_group
from providers.aws.network.types import ExistingNetwork, NetworkPlan


class Network(pulumi.ComponentResource):
    """A VPC with the plan's subnets, ways out, private ways to AWS's services, and the nodes' security group; of one
    that is there already the group alone, where none is given.
    """

    handle: NetworkHandle

    def __init__(self, name: str, *, plan: NetworkPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:aws:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.handle = _given(name, plan, plan.existing, child) if plan.existing else self._made(name, plan, child)
        self.register_outputs({"vpcId": self.handle.vpc_id})

    @staticmethod
    def _made(name: str, plan: NetworkPlan, child: pulumi.ResourceOptions) -> NetworkHandle:
        network = ec2.Vpc(
            name,
            cidr_block=plan.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        of_jobs = [default_group_of_jobs(name, network.id, child)] if plan.default_group_of_jobs else []
        if not of_jobs:
            empty_default_group(name, network.id, child)
        subnets = make_subnets(name, plan, network.id, child)
        routes = make_routes(name, plan, network.id, subnets, child)
        endpoints = make_endpoints(name, plan, network.id, subnets, routes, child)
        if plan.flow_logs:
            FlowLogs(f"{name}-flows", vpc=network, region=plan.region, opts=child)
        gang, rules = make_gang_group(name, network.id, child) if plan.gang_group else (None, [])
        return NetworkHandle(
            vpc_id=network.id,
            subnet_ids={key: subnet.id for key, subnet in subnets.items()},
            gang_security_group_id=gang.id if gang else None,
            held=(*subnets.values(), *filter(None, [routes.gateway, gang])),
            ready=(*routes.ready, *endpoints, *rules, *of_jobs),
        )


def _given(name: str, plan: NetworkPlan, there: ExistingNetwork, opts: pulumi.ResourceOptions) -> NetworkHandle:
    """The handle by the ids of the stack file. No resource is made of a given id, so none is changed."""
    vpc_id = pulumi.Output.from_input(there.vpc)
    own, rules = make_gang_group(name, vpc_id, opts) if plan.gang_group and not there.node_group else (None, [])
    given = pulumi.Output.from_input(there.node_group) if there.node_group else None
    of_control_plane = pulumi.Output.from_input(there.control_plane_group) if there.control_plane_group else None
    return NetworkHandle(
        vpc_id=vpc_id,
        subnet_ids={subnet.name: pulumi.Output.from_input(subnet.id) for subnet in plan.subnets},
        gang_security_group_id=own.id if own else given,
        control_plane_security_group_id=of_control_plane,
        gang_is_given=given is not None,
        held=(own,) if own else (),
        ready=tuple(rules),
    )
