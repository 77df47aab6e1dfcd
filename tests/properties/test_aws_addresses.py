"""Subnets of any pools in any range never overlap, lie in the VPC, hold what they must, and stay few."""

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import SpecError
from components.spec.stack import parse_stack
from providers import clouds
from providers.aws.network.addresses import FURTHER_RANGES, KEPT_BY_AWS, DoesNotFitError, lay_out, prefix_for, usable
from providers.aws.network.plan import plan_network
from providers.aws.network.types import NetworkPlan
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan
from tests.unit.providers.aws.stacks import pool

ZONES = tuple(f"us-east-2{letter}" for letter in "abc")

pools = st.lists(
    st.builds(
        pool,
        st.sampled_from(["train", "serve", "data"]),
        nodes=st.integers(1, 3000),
        zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(
            lambda found: tuple(sorted(found))
        ),
        addresses=st.integers(2, 120),
        efa=st.booleans(),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda found: found.name,
)
ranges = st.none() | st.builds(
    lambda prefix, number: IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) | number, 32), strict=False)
    .supernet(new_prefix=prefix),
    st.integers(16, 28),
    st.integers(0, 2**24 - 1),
)  # fmt: skip
nats = st.sampled_from(["single", "perZone", "none"])


def planned(asked: list[AwsNodePoolPlan], cidr: IPv4Network | None, nat: str) -> NetworkPlan | None:
    network = {"nat": nat} | ({"cidr": str(cidr)} if cidr else {})
    cluster: dict[str, Any] = {"cloud": "aws", "region": "us-east-2", "network": network}
    cluster["nodePools"] = [{"name": "train", "machineType": "p5.48xlarge"}]
    spec = parse_stack({"penstock:cluster": cluster}, "test", clouds())
    assert isinstance(spec.settings, AwsSpec)
    try:
        return plan_network(spec, spec.settings, asked)
    except SpecError:
        return None


@given(pools, ranges, nats)
@settings(max_examples=150, deadline=None)
def test_subnets_are_legal_apart_inside_and_large_enough(
    asked: list[AwsNodePoolPlan], cidr: IPv4Network | None, nat: str
) -> None:
    plan = planned(asked, cidr, nat)
    if plan is None:
        assert cidr is not None  # what is left out always fits these
        return
    assert cidr is None or plan.cidr == str(cidr)
    whole = [IPv4Network(text) for text in (plan.cidr, *plan.further_cidrs)]
    networks = [IPv4Network(subnet.cidr) for subnet in plan.subnets]
    assert not any(first.overlaps(second) for first, second in combinations(networks, 2))
    assert not any(first.overlaps(second) for first, second in combinations(whole, 2))
    assert all(any(network.subnet_of(outer) for outer in whole) for network in networks)
    assert all(16 <= network.prefixlen <= 28 for network in networks)
    for subnet, network in zip(plan.subnets, networks, strict=True):
        assert subnet.usable == network.num_addresses - KEPT_BY_AWS >= subnet.needed


@given(pools, nats)
@settings(max_examples=50, deadline=None)
def test_every_zone_holds_every_pool_that_may_stand_in_it(asked: list[AwsNodePoolPlan], nat: str) -> None:
    plan = planned(asked, None, nat)
    assert plan is not None
    for zone in plan.zones:
        nodes = sum(each.max_count * each.addresses_per_node for each in asked if zone in each.zones)
        assert sum(subnet.usable or 0 for subnet in plan.node_subnets((zone,))) > nodes
    assert {zone for each in asked for zone in each.zones} <= set(plan.zones)


@given(st.integers(1, 5000), st.integers(1, 5000))
@settings(max_examples=50, deadline=None)
def test_the_number_of_subnets_grows_with_ranges_and_not_with_nodes(first: int, second: int) -> None:
    """One subnet a zone, and one more for each further /16 that the addresses themselves ask for."""
    for count in (first, second):
        plan = planned([pool(nodes=count, addresses=50)], None, "single")
        assert plan is not None
        assert len(plan.subnets) == 4 + max(0, len(plan.further_cidrs) - 1)
        assert len(plan.further_cidrs) <= count * 50 // 65_000 + 1


@given(ranges.filter(bool), st.dictionaries(st.sampled_from(ZONES), st.integers(1, 70_000), min_size=1))
@settings(max_examples=200, deadline=None)
def test_the_prefix_that_a_refusal_names_fits(cidr: IPv4Network | None, needed: dict[str, int]) -> None:
    assert cidr is not None
    prefix = _prefix_of_refusal(cidr, needed)
    if prefix:
        found = lay_out(IPv4Network(("10.0.0.0", prefix)), needed, 17, ZONES).nodes
        assert all(usable(found[zone][0]) >= count for zone, count in needed.items())
        assert prefix < cidr.prefixlen


def _prefix_of_refusal(cidr: IPv4Network, needed: dict[str, int]) -> int | None:
    try:
        lay_out(cidr, needed, 17, ZONES)
    except DoesNotFitError as error:
        return error.prefix
    return None


@given(st.integers(1, 65_531))
def test_a_prefix_is_the_longest_that_holds(count: int) -> None:
    prefix = prefix_for(count)
    assert 2 ** (32 - prefix) - KEPT_BY_AWS >= count
    assert prefix == 28 or 2 ** (31 - prefix) - KEPT_BY_AWS < count


def test_further_ranges_are_no_private_ones() -> None:
    assert not FURTHER_RANGES.overlaps(IPv4Network("10.0.0.0/8"))
