"""Quotas, prices and decisions of pools."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from providers.aws.nodes.costs import bill, quotas
from providers.aws.nodes.decisions import decisions
from tests.unit.providers.aws.nodes.pools import BLOCK, NOW, plan_of, plans, pool, spec_of

IN_BLOCK: dict[str, Any] = {"count": 32, "capacity": {"capacityBlock": BLOCK}}
WITH_FALLBACK: dict[str, Any] = {"capacity": {"spot": {"fallback": "onDemand"}}, "fabric": {"none": "one node each"}}


@pytest.mark.parametrize(
    ("machine_type", "capacity", "code", "needed"),
    [
        ("p5.48xlarge", "onDemand", "L-417A185B", 4 * 192),
        ("p4d.24xlarge", "onDemand", "L-417A185B", 4 * 96),
        ("p5.48xlarge", "spot", "L-C4BD4855", 4 * 192),
        ("p4d.24xlarge", "spot", "L-7212CCBC", 4 * 96),
        ("g6e.48xlarge", "onDemand", "L-DB2E81BA", 4 * 192),
        ("g6e.48xlarge", "spot", "L-3819A6DF", 4 * 192),
        ("trn1.32xlarge", "onDemand", "L-2C3B7624", 4 * 128),
        ("trn1.32xlarge", "spot", "L-6B0D517C", 4 * 128),
        ("m7i.large", "onDemand", "L-1216C47A", 4 * 2),
        ("p5.48xlarge", {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-2a"}}, "L-417A185B", 4 * 192),
    ],
)
def test_quotas_count_vcpus_at_the_largest_size(machine_type: str, capacity: Any, code: str, needed: int) -> None:
    (quota,) = quotas(plans(pool("train", machine_type, count=2, maxCount=4, capacity=capacity)))
    assert (quota.service, quota.code, quota.needed, quota.unit) == ("ec2", code, needed, "vCPU")
    assert quota.reason == f"train: 4 x {machine_type}"


def test_a_code_that_is_not_known_is_not_made_up() -> None:
    (quota,) = quotas(plans(pool("train", "p6-b200.48xlarge", count=2, capacity="spot")))
    assert quota.code == ""
    assert "P6" in quota.name


def test_pools_that_share_a_quota_are_added_up() -> None:
    (quota,) = quotas(plans(pool("a", count=2), pool("b", "p5en.48xlarge", count=1)))
    assert quota.needed == 3 * 192
    assert quota.reason == "a: 2 x p5.48xlarge, b: 1 x p5en.48xlarge"


def test_a_fallback_needs_both_quotas_and_a_block_none() -> None:
    found = quotas(plans(pool("train", **IN_BLOCK), pool("serve", "g6e.12xlarge", maxCount=8, **WITH_FALLBACK)))
    assert [(quota.code, quota.needed) for quota in found] == [("L-3819A6DF", 8 * 48), ("L-DB2E81BA", 8 * 48)]


def test_machines_and_disks_are_on_the_bill() -> None:
    machines, disks = bill(plans(pool(count=2)), "us-east-1")
    assert (machines.what, machines.count) == ("train: p5.48xlarge", 2)
    assert machines.usd_per_hour == Decimal("110.08")
    assert machines.source == "AWS list price, on demand, Linux, us-east-1, 2026-07-20"
    assert (machines.since, machines.until) == (None, None)
    assert disks.usd_per_hour == 2 * Decimal("0.021918")


def test_prices_of_another_region_say_that_they_are_not_its_own() -> None:
    assert all("; us-east-2 may differ" in line.source for line in bill(plans(pool()), "us-east-2"))


def test_a_block_is_paid_for_and_has_an_end() -> None:
    machines, disks = bill(plans(pool(**IN_BLOCK)), "us-east-2")
    assert machines.usd_per_hour is None
    assert "prepaid" in machines.source
    assert machines.since == disks.since == datetime(2027, 11, 1, 11, 30, tzinfo=UTC)
    assert machines.until == datetime(2027, 11, 15, 11, 30, tzinfo=UTC)
    assert disks.until == datetime(2027, 11, 15, 10, 30, tzinfo=UTC)
    assert machines.most is disks.most is None


def test_an_unknown_price_is_unknown() -> None:
    line = bill(plans(pool("train", "p5e.48xlarge"), region="us-west-2"), "us-west-2")[0]
    assert line.usd_per_hour is None
    assert "no list price" in line.source


def test_spot_is_told_as_a_bound_and_a_fallback_as_nothing_yet() -> None:
    spot, _, fallback, _ = bill(plans(pool("serve", "g6e.12xlarge", maxCount=8, **WITH_FALLBACK)), "us-east-1")
    assert spot.usd_per_hour == Decimal("10.49264")
    assert "spot machines cost less" in spot.source
    assert (spot.most, fallback.most) == (8, 8)
    assert spot.what == fallback.what.replace("-on-demand", "") == "serve: g6e.12xlarge (up to 8)"
    assert fallback.usd_per_hour == 0
    assert "until the pool is scaled up" in fallback.source


def test_a_reservation_is_paid_for_whether_used_or_not() -> None:
    capacity = {"reservation": {"id": "cr-0a1b2c3d", "zone": "us-east-1a"}}
    machines, _ = bill(plans(pool(capacity=capacity), region="us-east-1"), "us-east-1")
    assert machines.usd_per_hour == Decimal("55.04")
    assert "paid for whether used or not" in machines.source


def test_no_machines_at_all_is_no_fallback() -> None:
    """A pool of none is not one that waits for spot machines to go."""
    machines, _ = bill(plans(pool(count=0)), "us-east-1")
    assert "spot" not in machines.source


def told(*pools: dict[str, Any], **cluster: Any) -> dict[str, tuple[str, str]]:
    spec = spec_of(*pools, **cluster)
    found = decisions(spec, plan_of(spec, NOW))
    return {decision.path.removeprefix("cluster.nodePools."): (decision.value, decision.reason) for decision in found}


def test_decisions_of_a_block() -> None:
    found = told(pool(**IN_BLOCK))
    assert list(found) == [
        "train.fabric",
        "train.placement",
        "train.capacity",
        "train.machineType",
        "train.rootDiskGib",
    ]
    assert found["train.fabric"][0] == "32 EFA devices a node"
    assert found["train.placement"][0] == "none"
    assert found["train.capacity"][0] == "0 nodes now, 32 from 2027-11-01T11:30Z, 0 from 2027-11-15T10:30Z"
    assert "a managed node group" in found["train.machineType"][1]


def test_what_the_user_gave_is_no_decision() -> None:
    found = told(pool(count=2, zone="us-east-2a", placement="none", rootDiskGib=300))
    assert list(found) == ["train.fabric", "train.machineType"]


def test_a_fallback_is_told_with_its_pool() -> None:
    found = told(pool("serve", "g6e.12xlarge", maxCount=8, **WITH_FALLBACK))
    assert found["serve.capacity.spot.fallback"][0] == "a second pool at list price, 0 to 8 nodes"
    assert found["serve.fabric"] == ("ethernet", "one node each")
    assert not any(path.startswith("serve-on-demand") for path in found)


def test_a_chosen_zone_warns_of_names_that_differ() -> None:
    value, reason = told(pool(count=2), network={"zones": ["us-east-2a", "us-east-2b"]})["train.zone"]
    assert value == "us-east-2a"
    assert "accounts name zones differently" in reason
    value, reason = told(pool(count=2))["train.zone"]
    assert value == "use2-az1"
    assert "accounts" not in reason
