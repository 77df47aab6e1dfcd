"""Ways to AWS's own services that do not leave the network."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_aws import ec2

from providers.aws.network.routing import Routes
from providers.aws.network.security import make_endpoint_group
from providers.aws.network.types import NetworkPlan


def make_endpoints(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], subnets: Mapping[str, ec2.Subnet], routes: Routes,
    opts: pulumi.ResourceOptions,
) -> tuple[ec2.VpcEndpoint, ...]:  # fmt: skip
    """Gateway endpoints in every route table, and interface endpoints in every zone."""
    by_route = [
        ec2.VpcEndpoint(
            f"{name}-{service}",
            vpc_id=vpc_id,
            service_name=f"com.amazonaws.{plan.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in routes.tables],
            tags={"Name": f"{name}-{service}"},
            opts=opts,
        )
        for service in plan.gateway_endpoints
    ]
    return (*by_route, *_interface_endpoints(name, plan, vpc_id, subnets, opts))


def _interface_endpoints(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], subnets: Mapping[str, ec2.Subnet],
    opts: pulumi.ResourceOptions,
) -> list[ec2.VpcEndpoint]:  # fmt: skip
    if not plan.interface_endpoints:
        return []
    group = make_endpoint_group(name, plan, vpc_id, opts)
    first = {zone: plan.node_subnets((zone,))[0].name for zone in plan.zones}
    return [
        ec2.VpcEndpoint(
            f"{name}-{service.replace('.', '-')}",
            vpc_id=vpc_id,
            service_name=f"com.amazonaws.{plan.region}.{service}",
            vpc_endpoint_type="Interface",
            subnet_ids=[subnets[first[zone]].id for zone in plan.zones],
            security_group_ids=[group.id],
            private_dns_enabled=True,
            tags={"Name": f"{name}-{service}"},
            opts=opts,
        )
        for service in plan.interface_endpoints
    ]
