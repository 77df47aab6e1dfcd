"""The account: references both ways, names, and another process that goes on."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud.account import Account, Companion, Object, Status
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.store import Store
from rehearsal.providers.aws.kinds import kind_of
from rehearsal.providers.aws.rules import RULES

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
VPC_ID, SUBNET_ID, OTHER_ID = "vpc-0123456789abcdef0", "subnet-0123456789abcdef0", "sg-0123456789abcdef0"


def thing(token: str, name: str, inputs: dict[str, Any] | None = None, **more: Any) -> Object:
    outputs = more.pop("outputs", {})
    return Object(
        token=token, id=name, called=name, region="us-east-1", inputs=inputs or {}, outputs=outputs,
        status=Status.ACTIVE, **more,
    )  # fmt: skip


@pytest.fixture
def account() -> Account:
    found = Account(Store(), RULES)
    found.add(thing(VPC, VPC_ID, outputs={"defaultSecurityGroupId": OTHER_ID}))
    return found


def references(account: Account, token: str, inputs: dict[str, Any]) -> list[str]:
    kind = kind_of(token)
    assert kind
    return account.references(kind, inputs)


def test_what_is_named_must_be_there(account: Account) -> None:
    assert references(account, SUBNET, {"vpcId": VPC_ID}) == [f"{VPC}|{VPC_ID}"]
    with pytest.raises(
        CloudApiError, match=r"InvalidVpcID\.NotFound: The vpc ID 'vpc-00000000000000000' does not exist"
    ):
        references(account, SUBNET, {"vpcId": "vpc-00000000000000000"})


def test_identifiers_anywhere_in_the_inputs_must_be_there(account: Account) -> None:
    inputs = {"networkInterfaces": [{"securityGroups": [OTHER_ID]}]}
    assert references(account, "aws:ec2/launchTemplate:LaunchTemplate", inputs) == [f"{VPC}|{VPC_ID}"]
    with pytest.raises(CloudApiError, match=r"InvalidCapacityReservationId\.NotFound"):
        references(account, "aws:ec2/launchTemplate:LaunchTemplate", {"target": "cr-0123456789abcdef0"})
    with pytest.raises(CloudApiError, match="does not exist"):
        references(account, "aws:ec2/launchTemplate:LaunchTemplate", {"arn": "arn:aws:iam::123456789012:role/none"})
    for standing in ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:root", "arn:aws:s3:::b/*"):
        assert references(account, "aws:ec2/launchTemplate:LaunchTemplate", {"arn": standing}) == []


def test_what_stood_there_before() -> None:
    account = Account(Store(), RULES, existing={"cr-0123456789abcdef0"})
    assert references(account, "aws:ec2/launchTemplate:LaunchTemplate", {"target": "cr-0123456789abcdef0"}) == []


def test_what_others_need_cannot_go(account: Account) -> None:
    (vpc,) = account.objects()
    subnet = thing(SUBNET, SUBNET_ID, {"vpcId": VPC_ID}, blocks_deletion_of=[vpc.key])
    account.add(subnet)
    with pytest.raises(
        CloudApiError, match=f"DependencyViolation: The Vpc '{VPC_ID}' has dependencies.*Subnet {SUBNET_ID}"
    ):
        account.require_unused(vpc)
    account.remove(subnet)
    account.require_unused(vpc)


def test_a_changed_object_still_owns_its_identifier(account: Account) -> None:
    """A cluster tells of its network in its outputs; a subnet that is changed later needs the network alone."""
    (vpc,) = account.objects()
    account.add(thing("aws:eks/cluster:Cluster", "tiny", outputs={"vpcConfig": {"vpcId": VPC_ID}}))
    account.change(vpc, inputs={"tags": {"a": "b"}}, outputs=vpc.outputs, blocks_deletion_of=[])
    assert references(account, SUBNET, {"vpcId": VPC_ID}) == [vpc.key]


def test_what_aws_made_along_holds_it_too(account: Account) -> None:
    (vpc,) = account.objects()
    interface = Companion(what="network interface", id="eni-0123456789abcdef0", blocks_deletion_of=[vpc.key])
    account.add(thing("aws:ec2/natGateway:NatGateway", "nat-0123456789abcdef0", side_effects=[interface]))
    with pytest.raises(CloudApiError, match="network interface eni-0123456789abcdef0 of NatGateway"):
        account.require_unused(vpc)


def test_an_identity_is_used_once(account: Account) -> None:
    account.add(thing("aws:iam/role:Role", "nodes"))
    with pytest.raises(CloudApiError, match="EntityAlreadyExists: Role already exists with name: nodes"):
        account.add(thing("aws:iam/role:Role", "nodes"))


def test_another_process_finds_it_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "account.sqlite")
    account = Account(store, RULES)
    account.add(thing(VPC, VPC_ID, {"cidrBlock": "10.0.0.0/16"}, outputs={"cidrBlock": "10.0.0.0/16"}))
    account.add(thing(SUBNET, SUBNET_ID, {"vpcId": VPC_ID}, blocks_deletion_of=[f"{VPC}|{VPC_ID}"]))
    before = account.objects()
    store.close()
    again = Account(Store(tmp_path / "account.sqlite"), RULES)
    assert again.objects() == before
    with pytest.raises(CloudApiError, match="DependencyViolation"):
        again.require_unused(again.objects()[0])
    assert (tmp_path / "account.sqlite").stat().st_mode & 0o077 == 0
