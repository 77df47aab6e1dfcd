"""Reach: private endpoints, and ranges that exclude the runner."""

from dataclasses import replace
from typing import Any

import pytest

from rehearsal.field.deployed import ApiEndpoint, BuiltResource
from rehearsal.field.reach import reach
from rehearsal.providers.aws.field_facts import FACTS
from tests.unit.rehearsal.field.field_cases import built, deployment, job


def judged(**endpoint: Any) -> list[str]:
    given: dict[str, Any] = {"cluster": "c", "is_public": True, "open_to": ("0.0.0.0/0",), **endpoint}
    one = deployment(endpoints=(ApiEndpoint(**given),), objects=(job(),))
    return [found.message for found in reach(one)]


def test_a_public_endpoint_is_reached() -> None:
    assert judged() == []
    assert judged(open_to=("8.8.8.0/24",)) == []


def test_a_private_endpoint_is_not_reached_from_outside() -> None:
    assert "only inside the network" in judged(is_public=False)[0]


@pytest.mark.parametrize("ranges", [(), ("10.0.0.0/8",), ("10.0.0.0/8", "192.168.0.0/16")])
def test_private_ranges_let_no_outside_runner_in(ranges: tuple[str, ...]) -> None:
    assert "no range" in judged(open_to=ranges)[0]


def test_a_range_of_documentation_lets_nobody_in() -> None:
    assert "nobody comes from" in judged(open_to=("203.0.113.0/24",))[0]
    assert judged(open_to=("203.0.113.0/24", "8.8.8.0/24")) == []


def test_a_stack_that_makes_nothing_inside_needs_no_endpoint() -> None:
    endpoint = ApiEndpoint(cluster="c", is_public=False)
    assert list(reach(deployment(endpoints=(endpoint,)))) == []


HOST: dict[str, BuiltResource] = {
    one.name: one
    for one in (
        built("aws:ec2/vpc:Vpc", "vpc-1", {"cidrBlock": "10.0.0.0/16"}),
        built("aws:ec2/subnet:Subnet", "subnet-1", {"cidrBlock": "10.0.1.0/24", "vpcId": "vpc-1"}),
        built("aws:ec2/routeTableAssociation:RouteTableAssociation", "leads", {
            "subnetId": "subnet-1", "routeTableId": "r",
        }),
        built("aws:ec2/route:Route", "out", {"routeTableId": "r", "natGatewayId": "nat-1"}),
        built("aws:autoscaling/group:Group", "host", {
            "minSize": 1, "vpcZoneIdentifiers": ["subnet-1"], "launchTemplate": {"id": "lt-1"},
        }),
        built("aws:ec2/launchTemplate:LaunchTemplate", "lt-1", {
            "imageId": "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
            "iamInstanceProfile": {"arn": "arn:p"}, "networkInterfaces": [{"securityGroups": ["sg-host"]}],
        }),
        built("aws:iam/instanceProfile:InstanceProfile", "profile", {"role": "agent"}, outputs={"arn": "arn:p"}),
        built("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "right", {
            "role": "agent", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        }),
        built("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "https-out", {
            "securityGroupId": "sg-host", "cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
        }),
        built("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "let-in", {
            "securityGroupId": "sg-c", "referencedSecurityGroupId": "sg-host", "ipProtocol": "tcp", "fromPort": 443,
            "toPort": 443,
        }),
        built("pulumi:providers:kubernetes", "client", needs=frozenset({"aws:autoscaling/group:Group host"})),
    )
}  # fmt: skip
"""A host that is reached, by the names of its parts."""


def changed(name: str, **inputs: Any) -> dict[str, BuiltResource]:
    return {**HOST, name: replace(HOST[name], inputs={**HOST[name].inputs, **inputs})}


def without(*names: str) -> dict[str, BuiltResource]:
    return {name: one for name, one in HOST.items() if name not in names}


def through(parts: dict[str, BuiltResource]) -> list[str]:
    endpoint = ApiEndpoint(cluster="c", is_public=False, group="sg-c")
    one = deployment(FACTS, resources=tuple(parts.values()), endpoints=(endpoint,), objects=(job(),))
    return [found.message for found in reach(one)]


def endpoints(**more: Any) -> dict[str, BuiltResource]:
    """The host in a network without NAT, with what its agent needs."""
    ways = {
        f"to-{service}": built("aws:ec2/vpcEndpoint:VpcEndpoint", f"to-{service}", {
            "serviceName": f"com.amazonaws.us-east-2.{service}", "privateDnsEnabled": True,
            "securityGroupIds": ["sg-e"],
            **more,
        })
        for service in ("ssm", "ssmmessages")
    }  # fmt: skip
    admits = built("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "admits", {
        "securityGroupId": "sg-e", "cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
    })  # fmt: skip
    return {**without("out"), **ways, "admits": admits}


def test_a_host_with_all_that_a_session_takes_is_reached() -> None:
    assert through(HOST) == []
    assert through(endpoints()) == []


UNDONE: dict[str, tuple[dict[str, BuiltResource], str]] = {
    "a kubeconfig that leads past it": (
        {**HOST, "client": replace(HOST["client"], needs=frozenset())}, "only inside",
    ),
    "no host": (without("host"), "only inside"),
    "no machine": (changed("host", minSize=0), "no machine of it runs"),
    "an image without the agent": (changed("lt-1", imageId="ami-0123456789abcdef0"), "no agent"),
    "a smaller image": (
        changed("lt-1", imageId="resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-arm64"),
        "no agent",
    ),
    "no profile": (changed("lt-1", iamInstanceProfile={}), "no right to Systems Manager"),
    "no policy": (without("right"), "no right to Systems Manager"),
    "another policy": (changed("right", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"), "no right"),
    "nothing out": (without("https-out"), "no HTTPS out"),
    "another port out": (changed("https-out", fromPort=80, toPort=80), "no HTTPS out"),
    "no NAT": (without("out"), "no way to ssm and ssmmessages"),
    "a table of another subnet": (changed("leads", subnetId="subnet-2"), "no way to ssm and ssmmessages"),
    "one endpoint of two": ({k: v for k, v in endpoints().items() if k != "to-ssmmessages"}, "no way to ssm"),
    "endpoints without names": (endpoints(privateDnsEnabled=False), "no way to ssm"),
    "endpoints that admit others": (endpoints(securityGroupIds=["sg-other"]), "no way to ssm"),
    "an API server that admits it not": (without("let-in"), "does not admit it at 443"),
    "an API server that admits it elsewhere": (changed("let-in", fromPort=10250, toPort=10250), "does not admit it"),
}  # fmt: skip


@pytest.mark.parametrize("undone", UNDONE)
def test_each_thing_that_a_session_takes_is_missed(undone: str) -> None:
    parts, words = UNDONE[undone]
    told = through(parts)
    assert len(told) == 1, told
    assert words in told[0]


def test_a_network_that_was_there_before_is_reached_where_its_ranges_are_admitted() -> None:
    apart = without("vpc-1", "host", "lt-1", "client")
    assert "admits nobody but its nodes" in through(apart)[0]
    office = replace(HOST["let-in"], inputs={**HOST["let-in"].inputs, "cidrIpv4": "10.8.0.0/16"})
    assert through({**apart, "let-in": office}) == []
