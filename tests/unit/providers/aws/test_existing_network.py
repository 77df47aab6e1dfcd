"""A network that is there already: what the account is asked of it, what the stack makes in it, what the field finds.

The account is moto's, with the network that a rehearsal makes of the same stack file.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from components.errors import Problem
from providers import load
from providers.aws.existing_network import existing_problems
from providers.aws.plan import AwsPlan
from rehearsal.cloud.standing import StandingThing, otherwise
from rehearsal.faults import Otherwise
from rehearsal.field.existing import existing
from rehearsal.providers.aws.standing import make, standing
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.deployed import OUTPUTS
from tests.unit.providers.aws.in_the_field import deployed
from tests.unit.providers.aws.mocks import Graph, register

STACK = Path(__file__).parents[3] / "golden" / "aws-existing" / "stack.yaml"
CONFIG: dict[str, Any] = yaml.safe_load(STACK.read_text())["config"]
PATH = "cluster.network.existing"
NODES = f"{PATH}.subnets.nodes"
HTTPS_ONLY = {
    "protocol": "6",
    "action": "allow",
    "ruleNo": 10,
    "cidrBlock": "0.0.0.0/0",
    "fromPort": 443,
    "toPort": 443,
}


@pytest.fixture(scope="module")
def plan() -> AwsPlan:
    cluster = plan_stack(read_path(STACK), "aws-existing", NOW).cluster
    assert isinstance(cluster, AwsPlan)
    return cluster


@pytest.fixture(scope="module")
def graph() -> Graph:
    whole = plan_stack(read_path(STACK), "aws-existing", NOW)
    return register(lambda: build(load("aws"), whole), outputs=OUTPUTS)


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-2")


def things(*differing: Otherwise) -> list[StandingThing]:
    return list(otherwise(standing(CONFIG), differing))


def found(plan: AwsPlan, ec2: Any, *differing: Otherwise) -> list[Problem]:
    """Problems that stop, of the account in which these things are otherwise."""
    make(things(*differing), ec2)
    return [one for one in existing_problems(plan, ec2) if one.stops]


def of(type_: str, **values: Any) -> Otherwise:
    return Otherwise(type=f"*:{type_}", set=values)


def subnet(number: str, **values: Any) -> Otherwise:
    return Otherwise(resource=f"subnet-*{number}", set=values)


CASES: list[tuple[str, list[Otherwise], list[str], list[str], list[str]]] = [
    # description, what is otherwise, paths and words of the preflight, words of the field rule
    ("as it should be", [], [], [], []),
    (
        "a subnet too small for its nodes",
        [subnet("12", cidrBlock="10.32.32.0/28"), subnet("13", cidrBlock="10.32.64.0/28")],
        [f"{NODES}.use2-az2"] * 2,
        ["subnet-0a1b2c3d4e5f60712 has 11 free addresses, and the stack needs 586 of it; name a larger one"],
        ["have 22 addresses, and the nodes there take"],
    ),
    (
        "no way out and no endpoint",
        [of("RouteTable", routes=[])],
        [f"{NODES}.use2-az1"] * 2,
        ["no route leads out", "ecr.api", "create-vpc-endpoint", "com.amazonaws.us-east-2.s3 --route-table-ids rtb-"],
        ["subnet-0a1b2c3d4e5f60711 leads nowhere"],
    ),
    (
        "a way out for public addresses alone",
        [of("RouteTable", routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-0a1b2c3d4e5f60718"}])],
        [f"{NODES}.use2-az1"],
        ["the way out is igw-0a1b2c3d4e5f60718", "nodes have none; name subnets that lead out by a NAT"],
        ["subnet-0a1b2c3d4e5f60712 leads nowhere"],
    ),
    (
        "a subnet in another zone",
        [subnet("11", availabilityZone="us-east-2c", availabilityZoneId="use2-az3")],
        [f"{NODES}.use2-az1"],
        ["subnet-0a1b2c3d4e5f60711 is in use2-az3; give it under use2-az3"],
        ["subnet-0a1b2c3d4e5f60711 is given for use2-az1, and lies in us-east-2c = use2-az3"],
    ),
    (
        "a VPC without DNS",
        [of("Vpc", enableDnsHostnames=False)],
        [f"{PATH}.vpc"],
        ["has enableDnsHostnames off", "modify-vpc-attribute --vpc-id vpc-0a1b2c3d4e5f60718 --enable-dns-hostnames"],
        ["has enableDnsHostnames off"],
    ),
    (
        "an access list that lets no answers in",
        [of("NetworkAcl", ingress=[HTTPS_ONLY])],
        [f"{NODES}.use2-az1", f"{NODES}.use2-az2", f"{NODES}.use2-az2"],
        ["shuts TCP 988, 1018-1023, 2049, 10250, 32768, 60999 from 10.32.32.0/19", "32768, 60999 from 0.0.0.0/0"],
        ["lets no answers in"],
    ),
    (
        "a group that lets itself in and not out",
        [of("SecurityGroup", egress=[{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}])],
        [f"{PATH}.securityGroups.nodes"],
        ["has no rule for all traffic of its own out, by its own id", "authorize-security-group-egress"],
        ["sg-0a1b2c3d4e5f60718 of", "no rule for all traffic of its own, egress"],
    ),
]


@pytest.mark.parametrize(
    ("differing", "paths", "words"), [case[1:4] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_account_has_otherwise_is_told(
    plan: AwsPlan, ec2: Any, differing: list[Otherwise], paths: list[str], words: list[str]
) -> None:
    problems = found(plan, ec2, *differing)
    assert [one.path for one in problems][: len(paths)] == paths
    assert bool(problems) is bool(paths)
    told = " ".join(one.message for one in problems)
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    ("differing", "words"), [(case[1], case[4]) for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_field_finds_it_in_what_is_deployed(graph: Graph, differing: list[Otherwise], words: list[str]) -> None:
    told = [one.message for one in existing(deployed(graph, config=CONFIG, existing=things(*differing)))]
    assert bool(told) is bool(words), told
    assert all(any(word in one for one in told) for word in words), told


OF_JOBS: tuple[tuple[list[str], list[str]], ...] = (
    # what its owner took from the VPC's default group, and what is told
    ([], []),
    (["ingress"], ["lets nothing of its own in; its owner adds the rule: `aws ec2 authorize-security-group-ingress"]),
    (["egress"], ["lets not all out; its owner adds the rule: `aws ec2 authorize-security-group-egress"]),
    (["ingress", "egress"], ["lets nothing of its own in", "lets not all out"]),
)


@pytest.mark.parametrize(("taken", "words"), OF_JOBS)
def test_the_default_group_in_which_containers_of_batch_stand(
    plan: AwsPlan, ec2: Any, taken: list[str], words: list[str]
) -> None:
    """A VPC's own group has what they need; one that was emptied is told with the commands that mend it."""
    make(things(), ec2)
    [vpc] = {one.id for one in things() if one.token == "aws:ec2/vpc:Vpc"}  # noqa: S105 (a type token)
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]
    itself = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group["GroupId"]}]}]
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    if not group["IpPermissions"]:  # moto leaves out the rule of the group itself, which AWS gives it
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=itself)
    if "ingress" in taken:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=itself)
    if "egress" in taken:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=everywhere)
    of_batch = replace(plan, network=replace(plan.network, default_group_of_jobs=True))
    told = [one.message for one in existing_problems(of_batch, ec2) if one.stops]
    assert len(told) == len(words), told
    assert all(word in one and group["GroupId"] in one for word, one in zip(words, told, strict=True)), told
    assert [one for one in existing_problems(plan, ec2) if one.stops] == [], "EKS has no use for it"


def test_ids_that_the_account_does_not_have(plan: AwsPlan, ec2: Any) -> None:
    (nothing,) = existing_problems(plan, ec2)
    assert nothing.path == f"{PATH}.vpc"
    assert "'vpc-0a1b2c3d4e5f60718' is no VPC of this account in us-east-2" in nothing.message
    left = [one for one in things() if one.id not in ("subnet-0a1b2c3d4e5f60717", "sg-0a1b2c3d4e5f60719")]
    shorter = [
        StandingThing(token=one.token, id=one.id, outputs=one.outputs, inputs={**one.inputs, "subnetIds": []})
        if "subnetIds" in one.inputs
        else one
        for one in left
    ]
    make(shorter, ec2)
    told = {one.path: one.message for one in existing_problems(plan, ec2)}
    assert "is no subnet of this account" in told[f"{PATH}.subnets.storage.use2-az2"]
    assert "is no security group of this account" in told[f"{PATH}.securityGroups.controlPlane"]


def test_what_the_stack_has_itself_counts_as_free_and_stops_nothing(plan: AwsPlan, ec2: Any) -> None:
    make(things(subnet("12", cidrBlock="10.32.32.0/28")), ec2)
    ec2.create_network_interface(
        SubnetId="subnet-0a1b2c3d4e5f60712",
        TagSpecifications=[
            {"ResourceType": "network-interface", "Tags": [{"Key": "penstock:stack", "Value": "aws-existing"}]}
        ],
    )
    (small,) = [one for one in existing_problems(plan, ec2) if "free addresses" in one.message]
    assert "has 10 free addresses and 1 of the stack's own" in small.message
    assert not small.stops


def test_tags_of_load_balancers_are_told_and_stop_nothing(plan: AwsPlan, ec2: Any) -> None:
    make(things(), ec2)
    (untagged,) = existing_problems(plan, ec2)
    assert (untagged.path, untagged.stops) == (f"{PATH}.subnets", False)
    tags = {"kubernetes.io/role/internal-elb": "1", "kubernetes.io/role/elb": "1"}
    ec2.create_tags(Resources=["subnet-0a1b2c3d4e5f60711"], Tags=[{"Key": key, "Value": tags[key]} for key in tags])
    assert existing_problems(plan, ec2) == []


def test_nothing_is_made_of_what_is_there(graph: Graph) -> None:
    made = {one.token.rpartition(":")[2] for one in graph.registrations}
    assert not made & {
        "Vpc",
        "Subnet",
        "RouteTable",
        "InternetGateway",
        "NatGateway",
        "FlowLog",
        "DefaultSecurityGroup",
    }
    assert not graph.of("VpcEndpoint")
    rules = [
        one.inputs["securityGroupId"] for kind in ("Ingress", "Egress") for one in graph.of(f"SecurityGroup{kind}Rule")
    ]
    assert rules
    assert not any(one.startswith("sg-0a1b") for one in rules), "no rule of the stack's in a group of others"


def test_everything_stands_where_the_file_says(graph: Graph) -> None:
    groups = {one.inputs["nodeGroupName"]: one.inputs["subnetIds"] for one in graph.of("NodeGroup")}
    assert groups["train"] == ["subnet-0a1b2c3d4e5f60712", "subnet-0a1b2c3d4e5f60713"]
    network = graph.one("Cluster").inputs["vpcConfig"]
    assert network["subnetIds"] == ["subnet-0a1b2c3d4e5f60714", "subnet-0a1b2c3d4e5f60715"]
    assert network["securityGroupIds"] == ["sg-0a1b2c3d4e5f60719"]
    lustre = graph.one("LustreFileSystem").inputs
    assert lustre["subnetIds"] == "subnet-0a1b2c3d4e5f60717"
    assert "sg-0a1b2c3d4e5f60718" in lustre["securityGroupIds"]
    assert [one.inputs["subnetId"][-2:] for one in graph.of("MountTarget")] == ["16", "17"]
    templates = [one for one in graph.of("LaunchTemplate") if one.inputs]
    assert len(templates) == 3
    for template in templates:
        assert all("sg-0a1b2c3d4e5f60718" in one["securityGroups"] for one in template.inputs["networkInterfaces"])
