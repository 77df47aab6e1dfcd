"""Subnets and the ways out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from components.spec.cluster import Nat
from providers.aws.network.types import ROLE_TAG, AwsSubnetPlan, NetworkPlan

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    tables: tuple[ec2.RouteTable, ...]
    ready: tuple[pulumi.Resource, ...]
    """Without these no packet leaves a subnet."""
    gateway: ec2.InternetGateway | None


def make_subnets(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Mapping[str, ec2.Subnet]:
    """Every subnet of the plan, by its name. One in a further range waits until the VPC has the range."""
    ranges = [
        ec2.VpcIpv4CidrBlockAssociation(f"{name}-range-{index}", vpc_id=vpc_id, cidr_block=cidr, opts=opts)
        for index, cidr in enumerate(plan.further_cidrs, start=2)
    ]
    after_ranges = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=ranges))
    return {subnet.name: _subnet(name, subnet, plan.region, vpc_id, after_ranges) for subnet in plan.subnets}


def _subnet(
    name: str, subnet: AwsSubnetPlan, region: str, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> ec2.Subnet:  # fmt: skip
    by_name = subnet.zone.startswith(region)  # ids begin with an abbreviation: use2-az1
    return ec2.Subnet(
        f"{name}-{subnet.name}",
        vpc_id=vpc_id,
        cidr_block=subnet.cidr,
        availability_zone=subnet.zone if by_name else None,
        availability_zone_id=None if by_name else subnet.zone,
        tags={"Name": f"{name}-{subnet.name}", ROLE_TAG[subnet.purpose]: "1"},
        opts=opts,
    )


def make_routes(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], subnets: Mapping[str, ec2.Subnet],
    opts: pulumi.ResourceOptions,
) -> Routes:  # fmt: skip
    """A table for the public subnets, and one for the nodes of each NAT gateway or of all zones together."""
    gateway, outside, public = _public_side(name, plan, vpc_id, subnets, opts) if plan.nat_zones else (None, None, [])
    tables = _node_tables(name, plan, vpc_id, opts)
    after_gateway = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=public))
    ready: list[pulumi.Resource] = [
        _nat(f"{name}-nat-{zone}", subnets[f"public-{zone}"], tables[zone], after_gateway) for zone in plan.nat_zones
    ]
    ready += [
        _association(f"{name}-{subnet.name}", tables[subnet.zone], subnets[subnet.name], opts)
        for subnet in plan.node_subnets(plan.zones)
    ]
    every = (*filter(None, [outside]), *dict.fromkeys(tables.values()))
    return Routes(tables=every, ready=(*public, *ready), gateway=gateway)


def _node_tables(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Mapping[str, ec2.RouteTable]:  # fmt: skip
    """By zone: one of its own where each zone has its gateway (a local one shares the first), else the same for all."""
    if plan.nat is Nat.PER_ZONE:
        own = {zone: _table(f"{name}-nodes-{zone}", vpc_id, opts) for zone in plan.nat_zones}
        return {zone: own.get(zone, own[plan.nat_zones[0]]) for zone in plan.zones}
    return dict.fromkeys(plan.zones, _table(f"{name}-nodes", vpc_id, opts))


def _public_side(
    name: str, plan: NetworkPlan, vpc_id: pulumi.Input[str], subnets: Mapping[str, ec2.Subnet],
    opts: pulumi.ResourceOptions,
) -> tuple[ec2.InternetGateway, ec2.RouteTable, list[pulumi.Resource]]:  # fmt: skip
    """The internet gateway and the public subnets' route to it."""
    gateway = ec2.InternetGateway(f"{name}-internet", vpc_id=vpc_id, tags={"Name": f"{name}-internet"}, opts=opts)
    table = _table(f"{name}-public", vpc_id, opts)
    route = ec2.Route(
        f"{name}-public", route_table_id=table.id, destination_cidr_block=EVERYWHERE, gateway_id=gateway.id, opts=opts
    )
    joined = [
        _association(f"{name}-{subnet.name}", table, subnets[subnet.name], opts) for subnet in plan.public_subnets()
    ]
    return gateway, table, [route, *joined]


def _table(name: str, vpc_id: pulumi.Input[str], opts: pulumi.ResourceOptions) -> ec2.RouteTable:
    return ec2.RouteTable(name, vpc_id=vpc_id, tags={"Name": name}, opts=opts)


def _association(
    name: str, table: ec2.RouteTable, subnet: ec2.Subnet, opts: pulumi.ResourceOptions
) -> ec2.RouteTableAssociation:  # fmt: skip
    return ec2.RouteTableAssociation(name, route_table_id=table.id, subnet_id=subnet.id, opts=opts)


def _nat(full: str, subnet: ec2.Subnet, table: ec2.RouteTable, opts: pulumi.ResourceOptions) -> ec2.Route:
    """The route to a zone's gateway. A gateway without the public subnet's route would come up and reach nothing."""
    address = ec2.Eip(full, domain="vpc", tags={"Name": full}, opts=opts)
    gateway = ec2.NatGateway(full, subnet_id=subnet.id, allocation_id=address.id, tags={"Name": full}, opts=opts)
    return ec2.Route(
        full, route_table_id=table.id, destination_cidr_block=EVERYWHERE, nat_gateway_id=gateway.id, opts=opts
    )
