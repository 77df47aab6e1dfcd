"""The network's plan: what it decides, what it refuses, what it costs."""

from decimal import Decimal
from ipaddress import ip_network
from typing import Any

import pytest
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from components.errors import SpecError
from components.spec.cluster import Nat
from providers.aws.network.bill import bill, quotas
from providers.aws.network.plan import decisions, plan_network, warnings
from providers.aws.network.types import NetworkPlan
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.stacks import pool, stack


def planned(*pools: AwsNodePoolPlan, **keys: Any) -> NetworkPlan:
    return plan_network(*stack(**keys), pools or (pool(),))


def refusal(*pools: AwsNodePoolPlan, **keys: Any) -> tuple[str, str]:
    """Path and message of the only problem."""
    with pytest.raises(SpecError) as caught:
        planned(*pools, **keys)
    (problem,) = caught.value.problems
    return problem.path, problem.message


def test_left_open_it_is_a_sixteen_with_an_equal_share_for_each_zone_of_the_region() -> None:
    plan = planned()
    assert plan.cidr == "10.0.0.0/16"
    assert plan.zones == ("us-east-2a", "us-east-2b")
    assert {subnet.name: subnet.cidr for subnet in plan.subnets} == {
        "nodes-us-east-2a": "10.0.0.0/18",
        "nodes-us-east-2b": "10.0.64.0/18",
        "public-us-east-2a": "10.0.192.0/24",
        "public-us-east-2b": "10.0.193.0/24",
    }


def test_neither_more_nodes_nor_another_zone_moves_a_subnet() -> None:
    small = {subnet.name: subnet.cidr for subnet in planned(pool(nodes=1)).subnets}
    large = planned(pool(nodes=200), pool("serve", "g6.xlarge", zones=("us-east-2c",), efa=False)).subnets
    assert small.items() <= {subnet.name: subnet.cidr for subnet in large}.items()


def test_a_share_that_is_outgrown_moves_its_subnet_and_the_plan_says_when() -> None:
    few, many = planned(pool(nodes=100)), planned(pool(nodes=400))
    assert {few.node_subnets(("us-east-2b",))[0].cidr, many.node_subnets(("us-east-2b",))[0].cidr} == {
        "10.0.64.0/18",
        "100.64.0.0/16",
    }
    spec, settings = stack()
    (told,) = [one.reason for one in decisions(spec, settings, few) if one.path == "cluster.network.cidr"]
    assert told.endswith("growing moves no subnet as long as its zone needs 16,379 addresses at most")


def test_what_is_needed_counts_every_node_and_pod_of_the_zone() -> None:
    plan = planned(pool(nodes=32, addresses=50), pool("serve", "g6.xlarge", nodes=8, addresses=15, efa=False))
    (first, second) = plan.node_subnets(("us-east-2a", "us-east-2b"))
    assert second.needed - first.needed == 32 * 50 + 8 * 15
    assert second.usable == 2**14 - 5


def test_nodes_that_a_share_does_not_hold_stand_in_ranges_of_their_own() -> None:
    plan = planned(pool(nodes=4096, addresses=50))
    further = [subnet for subnet in plan.subnets if subnet.cidr.startswith("100.")]
    assert plan.further_cidrs == ("100.64.0.0/16", "100.65.0.0/16", "100.66.0.0/16", "100.67.0.0/16")
    assert [subnet.cidr for subnet in further] == list(plan.further_cidrs)
    assert {subnet.zone for subnet in further} == {"us-east-2b"}
    assert sum(subnet.usable or 0 for subnet in further) >= 4096 * 50


def test_a_given_range_too_small_for_shares_is_packed() -> None:
    plan = planned(pool(nodes=32, addresses=50), network={"cidr": "10.9.0.0/20"})
    assert [(subnet.name, subnet.cidr) for subnet in plan.subnets] == [
        ("nodes-us-east-2a", "10.9.8.0/23"),
        ("nodes-us-east-2b", "10.9.0.0/21"),
        ("public-us-east-2a", "10.9.10.0/27"),
        ("public-us-east-2b", "10.9.10.32/27"),
    ]
    assert all((subnet.usable or 0) >= subnet.needed for subnet in plan.subnets)


def test_a_range_too_small_is_refused_with_the_arithmetic_and_the_prefix_that_fits() -> None:
    path, message = refusal(pool(nodes=32, addresses=50), network={"cidr": "10.9.0.0/21"})
    assert path == "cluster.network.cidr"
    assert "10.9.0.0/21 has 2,048 addresses" in message
    assert "32 nodes of train x 50" in message
    assert "us-east-2b" in message
    assert message.endswith("a /20 fits")
    assert planned(pool(nodes=32, addresses=50), network={"cidr": "10.9.0.0/20"}).cidr == "10.9.0.0/20"


def test_a_given_sixteen_that_no_single_range_replaces_is_refused_with_the_way_out() -> None:
    path, message = refusal(pool(nodes=4096), network={"cidr": "10.0.0.0/16"})
    assert path == "cluster.network.cidr"
    assert "leave it out" in message


def test_more_nodes_than_a_vpc_holds_are_refused() -> None:
    path, message = refusal(pool(nodes=100_000))
    assert path == "cluster.nodePools"
    assert "100,000 nodes of train x 50 + " in message
    assert "5,000,2" in message


@pytest.mark.parametrize(
    ("network", "path", "value", "remedy"),
    [
        ({"cidr": "fd00::/56"}, "cluster.network.cidr", "fd00::/56 is IPv6", "10.0.0.0/16"),
        ({"cidr": "10.0.0.0/15"}, "cluster.network.cidr", "10.0.0.0/15 is a /15", "10.0.0.0/16"),
        ({"cidr": "10.0.0.0/29"}, "cluster.network.cidr", "10.0.0.0/29 is a /29", "/16 to a /28"),
        ({"cidr": "8.8.0.0/16"}, "cluster.network.cidr", "8.8.0.0/16 is not private", "192.168.0.0/16"),
        ({"cidr": "172.17.0.0/16"}, "cluster.network.cidr", "172.17.0.0/16 overlaps", "10.0.0.0/16"),
        ({"cidr": "172.20.128.0/17"}, "cluster.network.cidr", "172.20.128.0/17 overlaps 172.20.0.0/16", "10.0.0.0/16"),
        ({"zones": ["us-east-2b"]}, "cluster.network.zones", "us-east-2b: an EKS", "add one of us-east-2a, us-east-2c"),
        ({"zones": ["us-east-2a", "us-east-2c"]}, "cluster.network.zones", "leaves out us-east-2b", "add it"),
        (
            {"zones": ["us-east-2a", "us-east-2b", "us-west-2a"]},
            "cluster.network.zones",
            "'us-west-2a' is not a zone of us-east-2",
            "available: use2-az1, use2-az2, use2-az3, or by name us-east-2a to f",
        ),
        (
            {"zones": ["us-east-2a", "us-east-2b", "us-east-2b"]},
            "cluster.network.zones",
            "us-east-2b is given twice",
            "once",
        ),
    ],
)
def test_refuses(network: dict[str, Any], path: str, value: str, remedy: str) -> None:
    where, message = refusal(network=network)
    assert where == path
    assert value in message
    assert remedy in message


def test_refuses_no_way_out_at_all() -> None:
    path, message = refusal(network={"nat": "none"}, aws={"interfaceEndpoints": False})
    assert path == "aws.interfaceEndpoints"
    assert "nat to single" in message


def test_refuses_a_region_that_does_not_exist_and_none() -> None:
    assert refusal(region="us-east-22") == (
        "cluster.region", "'us-east-22' is not a region of AWS; did you mean 'us-east-2'?",
    )  # fmt: skip
    assert refusal(region=None)[1].startswith("is missing")


def test_says_nothing_twice_where_the_pools_could_not_be_planned() -> None:
    with pytest.raises(SpecError) as caught:
        plan_network(*stack(region="us-east-22"), ())
    assert not caught.value.problems


def test_tells_all_mistakes_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        planned(network={"cidr": "8.8.0.0/16", "zones": ["us-east-2b", "us-east-9a"]})
    assert len(caught.value.problems) == 2


def test_a_zone_that_takes_no_control_plane_does_not_count() -> None:
    """By its id; us-east-1e is that zone in most accounts: it is not chosen, and not refused where it is given."""
    assert "us-east-1e" not in planned(pool(zones=("us-east-1d",)), region="us-east-1").zones
    path, message = refusal(pool(zones=("use1-az3",)), region="us-east-1", network={"zones": ["use1-az3", "use1-az6"]})
    assert path == "cluster.network.zones"
    assert "here use1-az6" in message
    named = planned(pool(zones=("us-east-1e",)), region="us-east-1", network={"zones": ["us-east-1e", "us-east-1a"]})
    assert named.zones == ("us-east-1a", "us-east-1e")


def test_zones_are_chosen_by_id_and_a_name_that_few_accounts_have_is_a_zone() -> None:
    assert planned(pool(zones=("use2-az2",))).zones == ("use2-az1", "use2-az2")
    rare = planned(pool(zones=("us-west-1c",)), region="us-west-1", network={"zones": ["us-west-1b", "us-west-1c"]})
    assert rare.zones == ("us-west-1b", "us-west-1c")
    assert len({subnet.cidr for subnet in rare.subnets}) == 4


def test_slurm_and_batch_do_with_one_zone() -> None:
    assert planned(aws={"controlPlane": {"kind": "pcs"}}).zones == ("us-east-2b",)


def test_a_single_gateway_stands_where_the_fabric_is() -> None:
    serve = pool("serve", "g6.xlarge", zones=("us-east-2a",), efa=False)
    assert planned(serve, pool(zones=("us-east-2c",))).nat_zones == ("us-east-2c",)
    assert planned(serve, network={"nat": "perZone"}).nat_zones == ("us-east-2a", "us-east-2b")


def test_no_gateway_stands_in_a_local_zone() -> None:
    far = pool("train", "p6e-gb200.36xlarge", zones=("us-east-1-dfw-2a",))
    assert planned(far, region="us-east-1").nat_zones == ("use1-az6",)
    assert planned(far, region="us-east-1", network={"nat": "perZone"}).nat_zones == ("use1-az6", "use1-az1")


def test_without_nat_there_are_endpoints_and_no_public_subnet() -> None:
    plan = planned(network={"nat": "none"}, storage={"fileSystem": {"capacityTib": 1.2}, "sharedFileSystem": {}})
    assert plan.nat is Nat.NONE
    assert not plan.public_subnets()
    assert {"ecr.api", "ecr.dkr", "eks", "sts", "fsx", "elasticfilesystem"} <= set(plan.interface_endpoints)
    assert planned().interface_endpoints == ()
    assert planned(aws={"interfaceEndpoints": True}).interface_endpoints


def test_s3_always_has_its_gateway_endpoint() -> None:
    assert planned(network={"nat": "none"}).gateway_endpoints == ("s3",)
    express = {"expressStore": {"zoneId": "use2-az2"}}
    assert planned(aws=express).gateway_endpoints == ("s3", "s3express")


def test_mirrors_without_nat_are_warned_of() -> None:
    spec, settings = stack(network={"nat": "none"}, aws={"registry": {"mirrors": ["quay.io"]}})
    (warning,) = warnings(settings, plan_network(spec, settings, (pool(),)))
    assert "mirror" in warning
    spec, settings = stack(aws={"registry": {}})
    assert warnings(settings, plan_network(spec, settings, (pool(),))) == ()


def test_decides_only_what_was_left_open() -> None:
    def paths(**keys: Any) -> set[str]:
        spec, settings = stack(**keys)
        return {found.path for found in decisions(spec, settings, plan_network(spec, settings, (pool(),)))}

    everything = {"cluster.network.cidr", "cluster.network.zones", "cluster.network.nat", "aws.interfaceEndpoints"}
    assert paths() == everything
    given = {"cidr": "10.0.0.0/16", "zones": ["us-east-2a", "us-east-2b"], "nat": "perZone"}
    assert paths(network=given, aws={"interfaceEndpoints": False}) == set()


def test_bills_gateways_and_endpoints_and_does_not_know_volumes() -> None:
    lines = {line.what: line.usd_per_hour for line in bill(planned(network={"nat": "perZone"}), "us-east-2")}
    assert lines == {
        "NAT gateway": Decimal("0.090"),
        "public IPv4 address": Decimal("0.010"),
        "network traffic": None,
    }
    private = planned(network={"nat": "none", "flowLogs": False})
    (endpoints,) = bill(private, "us-east-2")
    assert endpoints.count == 2 * len(private.interface_endpoints)


def test_a_price_of_another_region_is_unknown() -> None:
    assert all(line.usd_per_hour is None for line in bill(planned(), "eu-west-1"))


def test_quotas_bear_the_codes_of_service_quotas() -> None:
    known = {(row["QuotaCode"], row["QuotaName"]) for row in VPC_DEFAULT_QUOTAS}
    needs = quotas(planned(network={"nat": "none"}), (pool(),))
    assert {(need.code, need.name) for need in needs if need.service == "vpc"} <= known
    assert next(need.needed for need in needs if need.code == "L-DF5E4CA3") == 64


def test_all_lies_in_the_range() -> None:
    plan = planned(network={"cidr": "192.168.0.0/16"})
    whole = ip_network(plan.cidr)
    assert all(ip_network(subnet.cidr).subnet_of(whole) for subnet in plan.subnets)  # type: ignore[arg-type]  # both IPv4
