"""Resources of controllers are found by their tags and taken away, and nothing else is. AWS's side is moto's."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from components.errors import PenstockError
from providers.aws import drain as subject
from providers.aws.drain import Clients, drain, is_of_cluster

REGION = "us-east-2"
MINE = [{"Key": "elbv2.k8s.aws/cluster", "Value": "prod"}]
OTHERS = [{"Key": "elbv2.k8s.aws/cluster", "Value": "dev"}]


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    with mock_aws():
        yield Clients.of(REGION)


@pytest.fixture
def network(clients: Clients) -> tuple[str, list[str]]:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "penstock:stack", "Value": "prod"}]}]
    vpc = clients.ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    subnets = [
        clients.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for index, zone in enumerate("ab")
    ]
    return vpc, subnets


def group(ec2: Any, vpc: str, name: str, tags: list[dict[str, str]]) -> str:
    made = ec2.create_security_group(
        GroupName=name,
        Description=name,
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )
    return str(made["GroupId"])


def test_a_clusters_load_balancers_groups_and_interfaces_go(clients: Clients, network: tuple[str, list[str]]) -> None:
    vpc, subnets = network
    front, back = (group(clients.ec2, vpc, name, MINE) for name in ("k8s-front", "k8s-back"))
    for one, other in ((front, back), (back, front)):
        clients.ec2.authorize_security_group_ingress(
            GroupId=one, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}]
        )
    clients.elbv2.create_load_balancer(Name="web", Subnets=subnets, SecurityGroups=[front], Tags=MINE)
    clients.elbv2.create_target_group(Name="web", Port=80, Protocol="TCP", VpcId=vpc, Tags=MINE)
    clients.elb.create_load_balancer(
        LoadBalancerName="old",
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}],
        Subnets=subnets,
        Tags=[{"Key": "kubernetes.io/cluster/prod", "Value": "owned"}],
    )
    clients.ec2.create_network_interface(
        SubnetId=subnets[0],
        TagSpecifications=[
            {
                "ResourceType": "network-interface",
                "Tags": [{"Key": "cluster.k8s.amazonaws.com/name", "Value": "prod"}],
            }
        ],
    )
    said: list[str] = []
    drain(clients, "prod", vpc, said.append, patience_s=0)
    assert clients.elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert clients.elbv2.describe_target_groups()["TargetGroups"] == []
    assert clients.elb.describe_load_balancers()["LoadBalancerDescriptions"] == []
    assert clients.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    names = {each["GroupName"] for each in clients.ec2.describe_security_groups()["SecurityGroups"]}
    assert not names & {"k8s-front", "k8s-back"}
    assert len(said) == 5


def test_what_another_cluster_or_a_person_made_stays(clients: Clients, network: tuple[str, list[str]]) -> None:
    vpc, subnets = network
    clients.elbv2.create_load_balancer(Name="dev", Subnets=subnets, Tags=OTHERS)
    clients.elbv2.create_load_balancer(Name="mine", Subnets=subnets)
    clients.elbv2.create_target_group(Name="dev", Port=80, Protocol="TCP", VpcId=vpc, Tags=OTHERS)
    group(clients.ec2, vpc, "by-hand", [{"Key": "team", "Value": "a"}])
    said: list[str] = []
    drain(clients, "prod", vpc, said.append, patience_s=0)
    assert said == []
    assert len(clients.elbv2.describe_load_balancers()["LoadBalancers"]) == 2
    assert len(clients.elbv2.describe_target_groups()["TargetGroups"]) == 1


def test_a_second_drain_finds_nothing(clients: Clients, network: tuple[str, list[str]]) -> None:
    vpc, subnets = network
    clients.elbv2.create_load_balancer(Name="web", Subnets=subnets, Tags=MINE)
    said: list[str] = []
    drain(clients, "prod", vpc, said.append, patience_s=0)
    drain(clients, "prod", vpc, said.append, patience_s=0)
    assert len(said) == 1


def test_interfaces_of_a_load_balancer_that_stays_are_named(
    clients: Clients, network: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    vpc, subnets = network
    monkeypatch.setattr(subject, "POLL_S", 0.0)
    made = clients.ec2.create_network_interface(SubnetId=subnets[0], Description="ELB app/mine/0123")
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(PenstockError, match=f"{interface} of load balancers that no controller .* hold {vpc}"):
        drain(clients, "prod", vpc, lambda _: None, patience_s=0)


@pytest.mark.parametrize(
    ("tags", "mine"),
    [
        ([{"Key": "kubernetes.io/cluster/prod", "Value": "owned"}], True),
        ([{"Key": "kubernetes.io/cluster/prod", "Value": "shared"}], False),
        ([{"Key": "kubernetes.io/cluster/prod2", "Value": "owned"}], False),
        ([], False),
    ],
)
def test_shared_is_not_owned(tags: list[dict[str, str]], mine: bool) -> None:
    assert is_of_cluster(tags, "prod") is mine


def test_what_guardduty_made_goes_and_an_endpoint_of_the_stack_stays(
    clients: Clients, network: tuple[str, list[str]]
) -> None:
    vpc, subnets = network
    guard = [{"Key": "GuardDutyManaged", "Value": "true"}]
    guarded = group(clients.ec2, vpc, f"GuardDutyManagedSecurityGroup-{vpc}", guard)
    for service, tags in (("guardduty-data", guard), ("ssm", [{"Key": "penstock:stack", "Value": "prod"}])):
        clients.ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.{service}", VpcEndpointType="Interface", SubnetIds=subnets,
            SecurityGroupIds=[guarded] if service == "guardduty-data" else [],
            TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
        )  # fmt: skip
    said: list[str] = []
    drain(clients, "dev", vpc, said.append, patience_s=0)
    assert said == [], "in a network of another's, it guards what is there"
    drain(clients, "prod", vpc, said.append, patience_s=0)
    left = [
        one["ServiceName"] for one in clients.ec2.describe_vpc_endpoints()["VpcEndpoints"] if one["State"] != "deleted"
    ]
    assert left == [f"com.amazonaws.{REGION}.ssm"]
    assert guarded not in {one["GroupId"] for one in clients.ec2.describe_security_groups()["SecurityGroups"]}
    assert len(said) == 2
    assert all("which GuardDuty had made" in one for one in said)


def test_disks_that_claims_of_the_stacks_class_left_go_and_no_others(
    clients: Clients, network: tuple[str, list[str]]
) -> None:
    vpc, _ = network
    claimed = {"Key": "CSIVolumeName", "Value": "pvc-1"}
    mine, others = ({"Key": "penstock:stack", "Value": name} for name in ("prod", "dev"))
    kept = []
    for tags in ([claimed, mine], [claimed, others], [claimed], [mine]):
        specification = [{"ResourceType": "volume", "Tags": tags}]
        made = clients.ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=10, TagSpecifications=specification)
        kept.append(made["VolumeId"])
    gone = kept.pop(0)
    said: list[str] = []
    drain(clients, "prod", vpc, said.append, patience_s=0)
    assert said == [f"deleted disk {gone} (10 GiB), which a claim of prod had left"]
    assert {one["VolumeId"] for one in clients.ec2.describe_volumes()["Volumes"]} == set(kept)


def test_load_balancers_of_others_in_a_network_that_was_there_before_are_let_be(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "POLL_S", 0.0)
    vpc = clients.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = clients.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    theirs = clients.ec2.create_network_interface(SubnetId=subnet, Description="ELB app/theirs/0123")
    drain(clients, "prod", vpc, lambda _: None, patience_s=0)
    mine = clients.ec2.create_network_interface(
        SubnetId=subnet, Description="ELB app/mine/0123", Groups=[group(clients.ec2, vpc, "k8s-front", MINE)]
    )
    with pytest.raises(PenstockError, match=mine["NetworkInterface"]["NetworkInterfaceId"]) as caught:
        drain(clients, "prod", vpc, lambda _: None, patience_s=0)
    assert theirs["NetworkInterface"]["NetworkInterfaceId"] not in str(caught.value)
