"""The EKS components: what they ask the engine for, and in which order."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi_aws import ec2

from providers.aws.control_plane.eks.add_ons import EksAddOns
from providers.aws.control_plane.eks.build import Eks
from providers.aws.control_plane.eks.key import key_policy
from providers.aws.control_plane.eks.ssm_host import SsmHost
from providers.aws.control_plane.eks.types import EksPlan, InsideReach, SsmHostReach
from providers.aws.network.handle import NetworkHandle
from providers.aws.network.types import AwsSubnetPlan
from providers.aws.tunnel.way import FIRST_PORT, PORTS, Way
from tests.unit.providers.aws.control_plane.stacks import planned, stack
from tests.unit.providers.aws.mocks import Graph, register

IDENTITY = {"profile": "research", "role_arn": "arn:aws:iam::123456789012:role/deploy"}
OPS = "arn:aws:iam::123456789012:role/team/ops"
CLUSTER = {
    "Cluster": {
        "endpoint": "https://0123.eks.example",
        "certificateAuthority": {"data": "Q0E="},
        "vpcConfig": {"subnetIds": [], "clusterSecurityGroupId": "sg-1"},
    }
}


def plan(**keys: Any) -> EksPlan:
    made = planned(stack(**keys))
    assert isinstance(made, EksPlan)
    return made


def subnets_of(decided: EksPlan) -> list[AwsSubnetPlan]:
    """Those that the host may stand in; their ranges do not matter."""
    return [
        AwsSubnetPlan(
            name=name, zone="us-east-2a", cidr="10.0.0.0/24", public=False, purpose="nodes", usable=251, needed=1
        )
        for name in decided.subnets
    ]


def built(decided: EksPlan, *, preview: bool = False) -> Graph:
    """The cluster, a system pool of one machine, the other add-ons."""

    def program() -> pulumi.Output[Any]:
        subnets = {name: pulumi.Output.from_input(f"subnet-{name}") for name in decided.subnets}
        network = NetworkHandle(
            vpc_id=pulumi.Output.from_input("vpc-1"), subnet_ids=subnets, gang_security_group_id=None
        )
        host = None
        if isinstance(decided.reach, SsmHostReach):
            host = SsmHost("reach", plan=decided.reach, network=network, subnets=subnets_of(decided)).handle
        cluster = Eks("eks", plan=decided, network=network, host=host, identity=IDENTITY)
        system = ec2.Instance("system", opts=pulumi.ResourceOptions(depends_on=list(cluster.handle.ready)))
        EksAddOns("addons", plan=decided, cluster=cluster.handle, nodes=[system])
        handle = cluster.handle
        secret: asyncio.Future[bool] = asyncio.ensure_future(handle.kubeconfig.is_secret())
        return pulumi.Output.all(kubeconfig=handle.kubeconfig, secret=secret, group=handle.cluster_security_group_id)

    return register(program, preview=preview, outputs=CLUSTER)


def test_the_cluster_is_private_encrypted_and_entered_by_role() -> None:
    graph = built(plan())
    inputs = graph.one("aws:eks/cluster:Cluster").inputs
    assert inputs["accessConfig"]["authenticationMode"] == "API"
    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["vpcConfig"]["endpointPrivateAccess"] is True
    assert inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in inputs["vpcConfig"]
    assert inputs["encryptionConfig"]["resources"] == ["secrets"]
    assert inputs["encryptionConfig"]["provider"]["keyArn"].endswith(":eks-key-key")
    assert inputs["controlPlaneScalingConfig"] == {"tier": "standard"}
    assert graph.one("aws:kms/key:Key").inputs["enableKeyRotation"] is True


def test_a_public_endpoint_has_its_ranges() -> None:
    decided = plan(control_plane={"reach": {"publicCidrs": ["203.0.113.0/24"]}})
    access = built(decided).one("aws:eks/cluster:Cluster").inputs["vpcConfig"]
    assert (access["endpointPublicAccess"], access["publicAccessCidrs"]) == (True, ["203.0.113.0/24"])


def test_logs_have_a_key_and_an_end_before_the_cluster_writes_to_them() -> None:
    graph = built(plan())
    logs, cluster = graph.one("aws:cloudwatch/logGroup:LogGroup"), graph.one("aws:eks/cluster:Cluster")
    assert logs.inputs["name"] == "/aws/eks/aws-test/cluster"
    assert logs.inputs["retentionInDays"] == 30
    assert logs.inputs["kmsKeyId"]
    assert "eks-key-policy" in logs.depends_on
    assert logs.name in cluster.depends_on
    assert "eks-cluster-role-AmazonEKSClusterPolicy" in cluster.depends_on


def test_nodes_come_after_what_they_need_and_before_what_needs_them() -> None:
    decided = plan(storage={"fileSystem": {"capacityTib": 1.2}})
    graph = built(decided)
    system = graph.named("system", "aws:ec2/instance:Instance").depends_on
    for one in decided.first_add_ons:
        assert f"eks-{one.name}" in system
        assert "system" not in graph.named(f"eks-{one.name}", "aws:eks/addon:Addon").depends_on
    assert "eks-nodes-AmazonEKSWorkerNodePolicy" in system
    for one in decided.add_ons:
        assert "system" in graph.named(f"addons-{one.name}", "aws:eks/addon:Addon").depends_on


def test_what_needs_a_role_comes_after_what_hands_it_out() -> None:
    graph = built(plan())
    for addon in graph.of("aws:eks/addon:Addon"):
        if addon.inputs.get("podIdentityAssociations"):
            assert {"eks-eks-pod-identity-agent", "system"} & set(addon.depends_on), addon.name
    assert "eks-eks-pod-identity-agent" in graph.named("eks-vpc-cni", "aws:eks/addon:Addon").depends_on


def test_pods_that_act_on_aws_have_a_role_that_only_pods_take() -> None:
    graph = built(plan(storage={"fileSystem": {"capacityTib": 1.2}, "sharedFileSystem": {}}))
    for addon in graph.of("aws:eks/addon:Addon"):
        identities = addon.inputs.get("podIdentityAssociations", [])
        roles = [role for role in graph.of("aws:iam/role:Role") if role.name == addon.name]
        assert len(identities) == len(roles)
        for role in roles:
            (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
            assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
            assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    (fsx,) = [policy for policy in graph.of("aws:iam/rolePolicy:RolePolicy") if "fsx" in policy.name]
    assert json.loads(fsx.inputs["policy"])["Statement"][0]["Action"] == ["fsx:DescribeFileSystems"]


def test_a_node_may_do_little() -> None:
    attached = {
        policy.inputs["policyArn"] for policy in built(plan()).of("RolePolicyAttachment") if "nodes" in policy.name
    }
    names = {arn.rpartition("/")[2] for arn in attached}
    assert names == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"}


@pytest.mark.parametrize(("registry", "allowed"), [({"repositories": ["a"]}, 1), ({"mirrors": []}, 0)])
def test_a_node_has_the_registry_fetch_images_only_where_it_mirrors(registry: dict[str, Any], allowed: int) -> None:
    graph = built(plan(registry=registry))
    found = [policy for policy in graph.of("RolePolicy") if policy.name == "eks-nodes-actions"]
    assert len(found) == allowed
    for policy in found:
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        assert statement["Resource"].startswith("arn:aws:ecr:us-east-2:*:repository/aws-test/")
        assert all(policy.name in group.depends_on for group in graph.of("NodeGroup"))


def test_admins_are_let_in_and_nodes_that_eks_does_not_manage() -> None:
    graph = built(plan(control_plane={"kind": "eks", "admins": [OPS]}))
    (entry,) = graph.of("aws:eks/accessEntry:AccessEntry")
    assert (entry.inputs["principalArn"], entry.inputs["type"]) == (OPS, "STANDARD")
    right = graph.one("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert right.inputs["accessScope"] == {"type": "cluster"}
    assert entry.name in right.depends_on


def test_the_kubeconfig_is_secret_and_holds_no_token() -> None:
    result = built(plan(control_plane={"reach": {"publicCidrs": ["203.0.113.0/24"]}})).result
    assert result["secret"] is True
    config = json.loads(result["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == "https://0123.eks.example"
    arguments = config["users"][0]["user"]["exec"]["args"]
    assert arguments[:2] == ["--region", "us-east-2"]
    assert set(config["users"][0]["user"]) == {"exec"}
    assert result["group"] == "sg-1"


def test_a_cluster_behind_a_host_is_reached_by_a_port_of_this_machine() -> None:
    config = json.loads(built(plan()).result["kubeconfig"])
    server, command = config["clusters"][0]["cluster"], config["users"][0]["user"]["exec"]
    way = Way.read(command["args"][-1])
    assert (way.endpoint, way.group, way.region) == ("0123.eks.example", "reach", "us-east-2")
    assert {"profile": way.profile, "role_arn": way.role_arn} == IDENTITY
    assert server["server"] == f"https://127.0.0.1:{way.port}"
    assert FIRST_PORT <= way.port < FIRST_PORT + PORTS
    assert (server["tls-server-name"], server["certificate-authority-data"]) == ("0123.eks.example", "Q0E=")
    assert [command["command"], *command["args"][:2]] == ["penstock", "token", "aws-test"]
    given = plan(control_plane={"reach": {"ssmHost": {"localPort": 6443}}})
    config = json.loads(built(given).result["kubeconfig"])
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"


def test_the_host_has_no_way_in_and_least_rights() -> None:
    graph = built(plan())
    template = graph.named("reach", "aws:ec2/launchTemplate:LaunchTemplate").inputs
    assert template["imageId"] == "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert [disk["ebs"]["encrypted"] for disk in template["blockDeviceMappings"]] == ["true"]
    assert all("associatePublicIpAddress" not in one for one in template["networkInterfaces"])
    into = [one for one in graph.of("SecurityGroupIngressRule") if one.inputs["securityGroupId"] == "reach-id"]
    assert into == []
    (out,) = graph.of("SecurityGroupEgressRule")
    assert (out.inputs["fromPort"], out.inputs["toPort"], out.inputs["ipProtocol"]) == (443, 443, "tcp")
    (right,) = [one for one in graph.of("RolePolicyAttachment") if one.inputs["role"] == "reach"]
    assert right.inputs["policyArn"].endswith("/AmazonSSMManagedInstanceCore")
    group = graph.named("reach", "aws:autoscaling/group:Group")
    assert (group.inputs["minSize"], group.inputs["maxSize"], group.inputs["desiredCapacity"]) == (1, 1, 1)
    assert {right.name, out.name} <= set(group.depends_on)


def test_the_api_server_admits_the_host_and_no_other() -> None:
    (rule,) = built(plan()).of("SecurityGroupIngressRule")
    assert (rule.inputs["securityGroupId"], rule.inputs["referencedSecurityGroupId"]) == ("sg-1", "reach-id")
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    public = plan(control_plane={"reach": {"publicCidrs": ["203.0.113.0/24"]}})
    assert not built(public).of("SecurityGroupIngressRule")


def test_the_api_server_admits_the_ranges_that_pulumi_runs_in() -> None:
    graph = built(replace(plan(), reach=InsideReach(cidrs=("10.0.4.0/24",))))
    (rule,) = graph.of("SecurityGroupIngressRule")
    assert (rule.inputs["securityGroupId"], rule.inputs["cidrIpv4"]) == ("sg-1", "10.0.4.0/24")
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    assert graph.one("aws:eks/cluster:Cluster").inputs["vpcConfig"]["endpointPublicAccess"] is False


def test_the_key_lets_in_the_logs_of_this_cluster_only() -> None:
    arn = "arn:aws:kms:us-east-2:123456789012:key/1"
    account, logs = json.loads(key_policy(arn, "us-east-2", ["/aws/eks/a/cluster", "/aws/eks/a/pods"]))["Statement"]
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert logs["Principal"] == {"Service": "logs.us-east-2.amazonaws.com"}
    (allowed,) = logs["Condition"]["ArnEquals"].values()
    groups = "arn:aws:logs:us-east-2:123456789012:log-group:/aws/eks/a"
    assert allowed == [f"{groups}/cluster", f"{groups}/pods"]


def test_a_preview_registers_the_same_resources() -> None:
    decided = plan(storage={"sharedFileSystem": {}}, control_plane={"kind": "eks", "admins": [OPS]})

    def registered(graph: Graph) -> set[tuple[str, str]]:
        return {(each.token, each.name) for each in graph.registrations}

    graph = built(decided, preview=True)
    assert registered(graph) == registered(built(decided))
    assert len(registered(graph)) == len(graph.registrations)


def test_every_child_is_named_after_its_component() -> None:
    for each in built(plan()).registrations:
        assert each.name == "system" or not each.parent or each.name.startswith(each.parent), each.name
