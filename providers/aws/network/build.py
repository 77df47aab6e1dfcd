"""The network as Pulumi resources."""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2

from providers.aws.network.endpoints import make_endpoints
from providers.aws.network.flow_logs import FlowLogs
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.routing import make_routes, make_subnets
from providers.aws.network.security import empty_default_group, make_gang_group
from providers.aws.network.types import NetworkPlan


class Network(pulumi.ComponentResource):
    """A VPC with the plan's subnets, ways out, private ways to AWS's services, and the nodes' security group."""

    handle: NetworkHandle

    def __init__(self, name: str, *, plan: NetworkPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("penstock:aws:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = ec2.Vpc(
            name,
            cidr_block=plan.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        empty_default_group(name, network.id, child)
        subnets = make_subnets(name, plan, network.id, child)
        routes = make_routes(name, plan, network.id, subnets, child)
        endpoints = make_endpoints(name, plan, network.id, subnets, routes, child)
        if plan.flow_logs:
            FlowLogs(f"{name}-flows", vpc=network, region=plan.region, opts=child)
        gang, rules = make_gang_group(name, network.id, child) if plan.gang_group else (None, [])
        self.handle = NetworkHandle(
            vpc_id=network.id,
            subnet_ids={key: subnet.id for key, subnet in subnets.items()},
            gang_security_group_id=gang.id if gang else None,
            held=(*subnets.values(), *filter(None, [routes.gateway, gang])),
            ready=(*routes.ready, *endpoints, *rules),
        )
        self.register_outputs({"vpcId": network.id})
