"""Zones in an account: which there are, which machines they offer. AWS's side: botocore's stubs."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from components.errors import Problem
from providers import aws
from providers.aws.catalog import machines
from providers.aws.offered import zone_problems
from providers.aws.plan import AwsPlan
from providers.aws.regions import regions, zone_of
from stacks.config import read_path
from tests.clock import NOW
from tests.unit.providers.aws.whole_stacks import GONE, changed, write

SWAPPED = {"us-east-2a": "use2-az3", "us-east-2b": "use2-az1", "us-east-2c": "use2-az2"}
"""Names of an account that maps them otherwise than most."""
EVERYWHERE = ("use2-az1", "use2-az2", "use2-az3")


def planned(changes: dict[str, Any], folder: Any) -> AwsPlan:
    file = write(changed({"storage.fileSystem": GONE, **changes}), folder, "aws-test")
    return aws.plan(read_path(file), "aws-test", NOW)


def told(plan: AwsPlan, zones: dict[str, str], **offers: tuple[str, ...]) -> list[Problem]:
    """Problems in an account with these zones, where g6.xlarge, p5.48xlarge and m7i.xlarge are offered there."""
    client: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client("ec2")
    named = [{"ZoneName": name, "ZoneId": zone_id} for name, zone_id in zones.items()]
    listed: dict[str, tuple[str, ...]] = {
        "t4g.micro": EVERYWHERE,
        "g6.xlarge": EVERYWHERE,
        "m7i.xlarge": EVERYWHERE,
        "p5.48xlarge": EVERYWHERE,
    }
    listed |= {
        f"{family}.{size}": offers[family]
        for family, size in (("p5", "48xlarge"), ("m7i", "xlarge"))
        if family in offers
    }
    found = [
        {"InstanceType": name, "LocationType": "availability-zone-id", "Location": zone}
        for name, there in listed.items()
        for zone in there
    ]
    with Stubber(client) as stub:
        stub.add_response("describe_availability_zones", {"AvailabilityZones": named})
        stub.add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": found})
        return zone_problems(plan, client)


def test_a_pool_in_a_zone_without_its_machine_is_told_with_those_that_have_it(tmp_path: Any) -> None:
    plan = planned({"cluster.nodePools.0.zone": "us-east-2a"}, tmp_path)
    assert told(plan, SWAPPED) == []
    (problem,) = told(plan, SWAPPED, p5=("use2-az1", "use2-az2"))
    assert problem.path == "cluster.nodePools.train.zone"
    assert "p5.48xlarge of train is not offered in us-east-2a of this account" in problem.message
    assert "give zone one of use2-az1 (us-east-2b), use2-az2 (us-east-2c)" in problem.message


def test_a_zone_by_id_is_the_same_in_every_account(tmp_path: Any) -> None:
    plan = planned({"cluster.nodePools.0.zone": "use2-az3"}, tmp_path)
    (problem,) = told(plan, SWAPPED, p5=("use2-az1",))
    assert "not offered in use2-az3" in problem.message
    assert told(planned({"cluster.nodePools.0.zone": "use2-az1"}, tmp_path), SWAPPED, p5=("use2-az1",)) == []


def test_the_clusters_own_nodes_are_looked_at_too(tmp_path: Any) -> None:
    (problem,) = told(planned({}, tmp_path), SWAPPED, m7i=("use2-az1",))
    assert problem.path == "cluster.network.zones"
    assert "m7i.xlarge of system is not offered in use2-az2" in problem.message


def test_a_zone_that_the_account_does_not_have(tmp_path: Any) -> None:
    plan = planned({"cluster.nodePools.0.zone": "us-east-2d"}, tmp_path)
    (problem,) = told(plan, SWAPPED)
    assert "us-east-2d: no zone that this account may use" in problem.message
    assert "us-east-2b (use2-az1)" in problem.message


def test_a_name_that_is_a_zone_without_control_planes(tmp_path: Any) -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    plan = planned({"cluster.region": "us-east-1", "cluster.network": {"zones": zones}}, tmp_path)
    client: Any = boto3.Session("simulated", "simulated", region_name="us-east-1").client("ec2")
    names = dict(zip(zones, ("use1-az3", "use1-az1", "use1-az2"), strict=True))
    found = [
        {"InstanceType": pool, "Location": zone}
        for pool in ("g6.xlarge", "m7i.xlarge", "p5.48xlarge", "t4g.micro")
        for zone in names.values()
    ]
    with Stubber(client) as stub:
        listed = [{"ZoneName": name, "ZoneId": zone} for name, zone in names.items()]
        stub.add_response("describe_availability_zones", {"AvailabilityZones": listed})
        stub.add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": found})
        (problem,) = zone_problems(plan, client)
    assert (
        "us-east-1a is use1-az3 in this account, where EKS puts no control plane; give all zones by id"
        in problem.message
    )


def test_a_right_that_is_missing_stops_nothing(tmp_path: Any) -> None:
    client: Any = boto3.Session("simulated", "simulated", region_name="us-east-2").client("ec2")
    with Stubber(client) as stub:
        stub.add_client_error("describe_availability_zones", "UnauthorizedOperation")
        (problem,) = zone_problems(planned({}, tmp_path), client)
    assert not problem.stops
    assert "allow ec2:DescribeAvailabilityZones to them" in problem.message


@pytest.mark.parametrize(
    ("zone", "id_", "may"),
    [
        ("use2-az3", "use2-az3", True), ("use2-az1", "use2-az1", False), ("us-east-2a", "", True),
        ("us-east-2f", "", True),
    ],
)  # fmt: skip
def test_only_an_id_says_what_a_zone_offers(zone: str, id_: str, may: bool) -> None:
    region, trainium = regions()["us-east-2"], machines()["trn1.32xlarge"]
    assert region.id_of(zone) == id_
    assert region.may_offer(zone, trainium.zones) is may


def test_local_zones_have_one_name_in_every_account() -> None:
    region = regions()["us-east-1"]
    local = region.zone_ids["us-east-1-dfw-2a"]
    assert region.called(local) == region.called("us-east-1-dfw-2a") == "us-east-1-dfw-2a"
    assert region.id_of("us-east-1-dfw-2a") == local
    assert not region.has("us-east-1g")


def test_what_aws_describes_is_read_in_the_words_of_the_stack() -> None:
    found = {"AvailabilityZone": "us-east-2a", "AvailabilityZoneId": "use2-az3"}
    assert zone_of(found, "use2-az1") == "use2-az3"
    assert zone_of(found, "us-east-2b") == "us-east-2a"
