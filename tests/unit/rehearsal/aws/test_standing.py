"""A network that stands in the simulated account before the stack: found, never counted, and watched."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.cloud.requests import LiveApi
from rehearsal.cloud.standing import otherwise, unmet
from rehearsal.faults import Otherwise
from rehearsal.providers.aws.rules import RULES

VPC, SUBNET, GROUP = "vpc-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60711", "sg-0a1b2c3d4e5f60718"
CONFIG: dict[str, Any] = {
    "penstock:cluster": {
        "region": "us-east-2",
        "network": {
            "existing": {
                "vpc": VPC,
                "subnets": {"nodes": {"use2-az1": SUBNET, "us-east-2b": ["subnet-0a1b2c3d4e5f60712"]}},
                "securityGroups": {"nodes": GROUP},
            }
        },
    }
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "account.sqlite"


def opened(file: Path) -> SimulatedCloud:
    return SimulatedCloud(RULES, file, standing=RULES.standing(CONFIG))


@pytest.fixture
def cloud(file: Path) -> Iterator[SimulatedCloud]:
    made = opened(file)
    yield made
    made.close()


def api(cloud: SimulatedCloud) -> LiveApi:
    return cloud._api(next(iter(cloud.account.objects())))


def test_a_stack_without_one_has_none() -> None:
    assert RULES.standing({"penstock:cluster": {"region": "us-east-2"}}) == ()


def test_a_resource_may_stand_in_it_and_it_is_nobodys_leftover(cloud: SimulatedCloud) -> None:
    made = cloud.create("aws:ec2/securityGroup:SecurityGroup", "own", {"name": "own", "vpcId": VPC}, region="us-east-2")
    assert [one.id for one in cloud.account.objects()] == [made.id]
    found = cloud.account.find("aws:ec2/subnet:Subnet", SUBNET)
    assert found is not None
    assert (found.outputs["availabilityZone"], found.outputs["availabilityZoneId"]) == ("us-east-2a", "use2-az1")
    cloud.delete(made.token, made.id, "own")
    assert cloud.oracle.touched() == ()


def test_it_is_the_same_in_another_process(file: Path) -> None:
    cloud = opened(file)
    made = cloud.create("aws:ec2/securityGroup:SecurityGroup", "own", {"name": "own", "vpcId": VPC}, region="us-east-2")
    cloud.close()
    again = opened(file)
    try:
        assert again.oracle.touched() == ()
        again.delete(made.token, made.id, "own")
    finally:
        again.close()


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("CreateTags", {"Resources": [SUBNET], "Tags": [{"Key": "mine", "Value": "1"}]}, f"Tags of {SUBNET}"),
        ("ModifyVpcAttribute", {"VpcId": VPC, "EnableDnsHostnames": {"Value": False}}, f"enableDnsHostnames of {VPC}"),
        ("DeleteSubnet", {"SubnetId": SUBNET}, f"{SUBNET} is gone"),
        (
            "AuthorizeSecurityGroupIngress",
            {"GroupId": GROUP, "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]},
            f"IpPermissions of {GROUP}",
        ),
        (
            "ModifySubnetAttribute",
            {"SubnetId": SUBNET, "MapPublicIpOnLaunch": {"Value": True}},
            f"MapPublicIpOnLaunch of {SUBNET}",
        ),
    ],
)  # fmt: skip
def test_what_is_changed_of_it_is_told(
    cloud: SimulatedCloud, operation: str, parameters: dict[str, Any], told: str
) -> None:
    cloud.create("aws:ec2/securityGroup:SecurityGroup", "own", {"name": "own", "vpcId": VPC}, region="us-east-2")
    api(cloud).call("ec2", operation, **parameters)
    (sentence,) = cloud.oracle.touched()
    assert told in sentence


def test_what_it_does_not_have_is_refused(cloud: SimulatedCloud) -> None:
    with pytest.raises(CloudApiError, match="does not exist"):
        cloud.create(
            "aws:ec2/securityGroup:SecurityGroup", "own", {"name": "own", "vpcId": "vpc-0a1b2c3d4e5f60799"},
            region="us-east-2",
        )  # fmt: skip


def test_a_script_has_some_of_it_otherwise_and_tells_what_it_does_not_find() -> None:
    there = RULES.standing(CONFIG)
    small, lost = (
        Otherwise(resource=SUBNET, set={"cidrBlock": "10.32.0.0/28"}),
        Otherwise(type="*:Nothing", set={"a": 1}),
    )
    changed = {one.id: one for one in otherwise(there, [small, lost])}
    assert changed[SUBNET].inputs["cidrBlock"] == "10.32.0.0/28"
    assert list(unmet(there, [small, lost])) == ["* (*:Nothing) that is there with another a"]
