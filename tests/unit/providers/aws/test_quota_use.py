"""Quotas: what others in the account use is not free, what the stack has already is. AWS's side is moto's."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.plan.part import QuotaNeed
from providers.aws.quota_use import quota_problems
from providers.aws.tables import QUOTAS

REGION = "us-east-2"
ClientOf = Callable[[str], Any]


class Quotas:
    """Service Quotas that allow what they are told; moto has none of EC2's."""

    def __init__(self, value: float) -> None:
        self._value = value

    def get_service_quota(self, **_asked: str) -> dict[str, Any]:
        return {"Quota": {"Value": self._value}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientOf]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    with mock_aws():
        session: Any = boto3.Session(region_name=REGION)
        yield session.client


def told(client: ClientOf, need: QuotaNeed, allowed: float) -> list[str]:
    def of(service: str) -> Any:
        return Quotas(allowed) if service == "service-quotas" else client(service)

    return [one.message for one in quota_problems((need,), "mine", REGION, of)]


def run(client: ClientOf, machine_type: str, count: int, stack: str, **more: Any) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "penstock:stack", "Value": stack}]}]
    client("ec2").run_instances(
        ImageId="ami-12c6146b",
        InstanceType=machine_type,
        MinCount=count,
        MaxCount=count,
        TagSpecifications=tags,
        **more,
    )


P = QUOTAS["on_demand.p5"].need(192, "train: 1 x p5.48xlarge")


def test_machines_of_others_of_the_same_family_and_market_are_not_free(client: ClientOf) -> None:
    run(client, "p4d.24xlarge", 1, "theirs")  # 96 vCPUs, of the same quota on demand
    run(client, "g6.xlarge", 4, "theirs")
    (message,) = told(client, P, 192)
    assert "allows 192 vCPU of 'Running On-Demand P instances' in us-east-2, of which others use 96" in message
    assert message.endswith("--quota-code L-417A185B --desired-value 288")
    assert told(client, P, 288) == []


def test_machines_of_the_stack_itself_are_asked_for_again_and_those_on_spot_count_elsewhere(client: ClientOf) -> None:
    run(client, "p5.48xlarge", 1, "mine")
    run(client, "p5.48xlarge", 1, "theirs", InstanceMarketOptions={"MarketType": "spot"})
    assert told(client, P, 192) == []
    assert len(told(client, QUOTAS["spot.p5"].need(192, "spot"), 192)) == 1


def test_networks_and_addresses_of_others_are_not_free(client: ClientOf) -> None:
    there = len(client("ec2").describe_vpcs()["Vpcs"])
    vpcs = QUOTAS["vpc.networks"].need(1, "the stack's network")
    assert told(client, vpcs, there + 1) == []
    client("ec2").create_vpc(CidrBlock="10.9.0.0/16")
    (message,) = told(client, vpcs, there + 1)
    assert f"of which others use {there + 1}" in message
    addresses = QUOTAS["addresses.elastic"].need(2, "NAT")
    client("ec2").allocate_address(Domain="vpc")
    assert len(told(client, addresses, 2)) == 1
    assert told(client, addresses, 3) == []
