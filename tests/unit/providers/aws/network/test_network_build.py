"""The network's resources, as the engine is asked for them."""

import json
from ipaddress import ip_network
from typing import Any

import pytest

from providers.aws.network.build import Network
from providers.aws.network.plan import plan_network
from providers.aws.network.types import NetworkPlan
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.stacks import pool, stack


def planned(*pools: AwsNodePoolPlan, **keys: Any) -> NetworkPlan:
    return plan_network(*stack(**keys), pools or (pool(),))


def built(plan: NetworkPlan, *, preview: bool = False) -> Graph:
    return register(lambda: Network("net", plan=plan).handle.vpc_id, preview=preview)


@pytest.mark.parametrize("preview", [False, True])
def test_a_preview_asks_for_the_same_resources(preview: bool) -> None:
    graph = built(planned(), preview=preview)
    assert {found.token.rpartition(":")[2] for found in graph.registrations} >= {
        "Vpc", "Subnet", "DefaultSecurityGroup", "InternetGateway", "NatGateway", "VpcEndpoint", "FlowLog", "Key",
    }  # fmt: skip
    assert len(graph.registrations) == len(built(planned()).registrations)
    assert graph.result == (None if preview else "net-id")


def test_every_resource_is_a_child_with_the_components_name() -> None:
    graph = built(planned())
    for found in graph.registrations:
        assert found.name.startswith("net")
        assert found.parent or found.token == "penstock:aws:Network"  # noqa: S105 (a type token)


def test_the_fabric_group_lets_all_in_and_out_by_its_own_id() -> None:
    graph = built(planned())
    (into,) = [rule for rule in graph.of("SecurityGroupIngressRule") if rule.name.startswith("net-gang")]
    out = [rule.inputs for rule in graph.of("SecurityGroupEgressRule") if rule.name.startswith("net-gang")]
    itself = {"securityGroupId": "net-gang-id", "referencedSecurityGroupId": "net-gang-id", "ipProtocol": "-1"}
    assert itself.items() <= into.inputs.items()
    assert any(itself.items() <= rule.items() for rule in out)
    assert any(rule.get("cidrIpv4") == "0.0.0.0/0" for rule in out)


def test_without_a_fabric_kubernetes_own_group_is_enough() -> None:
    graph = built(planned(pool(efa=False)))
    assert not graph.of("SecurityGroup")


def test_slurm_has_no_group_of_its_own_and_so_gets_one() -> None:
    graph = built(planned(pool(efa=False), aws={"controlPlane": {"kind": "pcs"}}))
    assert [group.name for group in graph.of("SecurityGroup")] == ["net-gang"]


def test_nothing_but_the_vpcs_own_ranges_is_let_in() -> None:
    plan = planned(pool(nodes=4096), network={"nat": "none"})
    graph = built(plan)
    into = [rule.inputs for rule in graph.of("SecurityGroupIngressRule") if "cidrIpv4" in rule.inputs]
    assert {rule["cidrIpv4"] for rule in into} == {plan.cidr, *plan.further_cidrs}
    assert all((rule["fromPort"], rule["toPort"]) == (443, 443) for rule in into)


def test_the_default_group_has_no_rules() -> None:
    default = built(planned()).one("DefaultSecurityGroup").inputs
    assert not default.get("ingress")
    assert not default.get("egress")


def test_the_default_group_of_batch_is_that_of_its_containers() -> None:
    graph = built(planned(aws={"controlPlane": {"kind": "batch", "command": ["a"]}}))
    default = graph.one("DefaultSecurityGroup").inputs
    among = {"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True, "description": "among containers of jobs"}
    assert default["ingress"] == [among], "no range is let in"
    out = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
    assert default["egress"][0] == among
    assert out.items() <= default["egress"][1].items()


def test_no_subnet_gives_out_public_addresses_and_balancers_find_theirs() -> None:
    subnets = built(planned()).of("Subnet")
    assert not any(subnet.inputs.get("mapPublicIpOnLaunch") for subnet in subnets)
    for subnet in subnets:
        key = "kubernetes.io/role/elb" if "public" in subnet.name else "kubernetes.io/role/internal-elb"
        assert subnet.inputs["tags"][key] == "1"


def test_s3_goes_by_its_gateway_endpoint_from_every_route_table() -> None:
    graph = built(planned(network={"nat": "perZone"}))
    endpoint = graph.named("net-s3", "VpcEndpoint").inputs
    assert endpoint["serviceName"] == "com.amazonaws.us-east-2.s3"
    assert set(endpoint["routeTableIds"]) == {f"{table.name}-id" for table in graph.of("RouteTable")}


def test_each_zone_goes_out_by_its_own_gateway() -> None:
    graph = built(planned(network={"nat": "perZone"}))
    for zone in ("us-east-2a", "us-east-2b"):
        route = graph.named(f"net-nat-{zone}", "Route").inputs
        assert route["routeTableId"] == f"net-nodes-{zone}-id"
        assert route["natGatewayId"] == f"net-nat-{zone}-id"
        joined = graph.named(f"net-nodes-{zone}", "RouteTableAssociation").inputs
        assert joined == {"routeTableId": f"net-nodes-{zone}-id", "subnetId": f"net-nodes-{zone}-id"}


def test_all_zones_go_out_by_a_single_gateway() -> None:
    graph = built(planned())
    tables = {found.inputs["routeTableId"] for found in graph.of("RouteTableAssociation") if "nodes" in found.name}
    assert tables == {"net-nodes-id"}
    assert graph.one("NatGateway").inputs["subnetId"] == "net-public-us-east-2b-id"


def test_a_gateway_waits_for_the_way_to_the_internet() -> None:
    graph = built(planned())
    assert "net-public" in graph.one("NatGateway").depends_on


def test_a_local_zone_goes_out_by_another_zones_gateway() -> None:
    far = pool("train", "p6e-gb200.36xlarge", zones=("us-east-1-dfw-2a",))
    graph = built(planned(far, region="us-east-1", network={"nat": "perZone"}))
    joined = graph.named("net-nodes-us-east-1-dfw-2a", "RouteTableAssociation").inputs
    assert joined["routeTableId"] == "net-nodes-use1-az6-id"
    assert {gateway.name for gateway in graph.of("NatGateway")} == {"net-nat-use1-az6", "net-nat-use1-az1"}


def test_without_nat_there_is_no_way_to_the_internet() -> None:
    graph = built(planned(network={"nat": "none"}))
    for kind in ("InternetGateway", "NatGateway", "Eip", "Route"):
        assert not graph.of(kind)
    interface = [found.inputs for found in graph.of("VpcEndpoint") if found.inputs["vpcEndpointType"] == "Interface"]
    assert all(found["privateDnsEnabled"] and len(found["subnetIds"]) == 2 for found in interface)
    assert all(found["securityGroupIds"] == ["net-endpoints-id"] for found in interface)


def test_subnets_in_further_ranges_wait_for_them() -> None:
    graph = built(planned(pool(nodes=4096)))
    ranges = {found.inputs["cidrBlock"]: found.name for found in graph.of("VpcIpv4CidrBlockAssociation")}
    for subnet in graph.of("Subnet"):
        if owner := next((cidr for cidr in ranges if subnet.inputs["cidrBlock"] == cidr), None):
            assert ip_network(subnet.inputs["cidrBlock"])
            assert ranges[owner] in subnet.depends_on


def test_flow_logs_are_encrypted_and_their_role_can_write_nothing_else() -> None:
    graph = built(planned())
    key, group = graph.one("Key").inputs, graph.one("LogGroup").inputs
    assert key["enableKeyRotation"] is True
    assert "key" in group["kmsKeyId"]
    statements = json.loads(key["policy"])["Statement"]
    assert statements[0]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    condition = statements[1]["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert condition == f"arn:aws:logs:us-east-2:123456789012:log-group:{group['name']}"
    (allowed,) = json.loads(graph.one("RolePolicy").inputs["policy"])["Statement"]
    assert "logs:CreateLogGroup" not in allowed["Action"]
    assert all("loggroup" in resource for resource in allowed["Resource"])
    trust = json.loads(graph.one("Role").inputs["assumeRolePolicy"])["Statement"][0]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert graph.one("FlowLog").inputs["trafficType"] == "ALL"


def test_flow_logs_can_be_left_out() -> None:
    graph = built(planned(network={"flowLogs": False}))
    assert not graph.of("FlowLog")
    assert not graph.of("Key")


def test_the_number_of_resources_does_not_grow_with_nodes() -> None:
    assert len(built(planned(pool(nodes=1))).registrations) == len(built(planned(pool(nodes=300))).registrations)


def test_all_that_takes_tags_has_a_name() -> None:
    untagged = {
        "Network", "FlowLogs", "VpcIpv4CidrBlockAssociation", "Route", "RouteTableAssociation", "RolePolicy",
    }  # fmt: skip
    for found in built(planned(pool(nodes=4096), network={"nat": "perZone"})).registrations:
        if found.token.rpartition(":")[2] not in untagged:
            assert found.inputs["tags"]["Name"], found.name
