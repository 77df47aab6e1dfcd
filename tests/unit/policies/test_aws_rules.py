"""The checks of the rules for AWS, each on what it forbids and on what it lets pass."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from policies import (
    encrypted_with_key,
    expiry_set,
    fabric_interfaces,
    no_open_ingress,
    placement_consistent,
    reservation_targeted,
    versions_pinned,
)
from policies.clouds.aws import LAUNCH_TEMPLATE, NODE_GROUP
from policies.clouds.aws import machines as machine_facts
from policies.values import UNKNOWN
from providers.aws.catalog import machines
from providers.aws.nodes.interfaces import interfaces

GROUPS = ["sg-1"]
KEY = "arn:aws:kms:us-east-2:123456789012:key/1"
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def template(machine_type: str, **keys: Any) -> dict[str, Any]:
    """A launch template as the product makes it, in the numbers of the wire."""
    layout = [
        {
            "networkCardIndex": float(each.card),
            "deviceIndex": float(each.device),
            "interfaceType": each.kind,
            "securityGroups": GROUPS,
        }
        for each in interfaces(machines()[machine_type], fabric=True)
    ]
    return {"instanceType": machine_type, "networkInterfaces": layout} | keys


def fabric(inputs: dict[str, Any]) -> list[str]:
    return list(fabric_interfaces.check(LAUNCH_TEMPLATE, inputs))


@pytest.mark.parametrize("name", [name for name, facts in machine_facts().items() if facts.fabric_cards])
def test_the_whole_fabric_of_every_machine_passes(name: str) -> None:
    assert fabric(template(name)) == []


def test_a_machine_without_its_fabric_is_left_to_the_plan() -> None:
    assert fabric(template("p5.48xlarge", networkInterfaces=[{"interfaceType": "interface"}])) == []
    assert fabric({"instanceType": "p5.48xlarge"}) == []


def test_a_part_of_the_fabric_is_refused() -> None:
    inputs = template("p5.48xlarge")
    inputs["networkInterfaces"] = inputs["networkInterfaces"][:17]
    assert fabric(inputs) == ["16 fabric interfaces, but p5.48xlarge has 32"]


def test_a_fabric_on_a_card_that_carries_none_is_refused() -> None:
    inputs = template("p6-b300.48xlarge")
    inputs["networkInterfaces"][1] |= {"networkCardIndex": 0, "deviceIndex": 1}
    (violation,) = fabric(inputs)
    assert violation.startswith("fabric interfaces on card 0, which on p6-b300.48xlarge carries none")


def test_two_interfaces_at_one_place_are_refused() -> None:
    inputs = template("p5.48xlarge")
    inputs["networkInterfaces"][5] = copy.copy(inputs["networkInterfaces"][4])
    violations = fabric(inputs)
    assert "2 interfaces at card 3, device 0" in violations
    assert "more than one fabric interface on card 3" in violations


def test_a_machine_without_an_address_is_refused() -> None:
    inputs = template("g6e.8xlarge")
    inputs["networkInterfaces"] = [{"deviceIndex": 0, "interfaceType": "efa-only", "securityGroups": GROUPS}]
    assert fabric(inputs) == ["no interface with an address at card 0, device 0, where the machine's own is"]


def test_a_machine_whose_address_is_on_another_card_is_refused() -> None:
    inputs = template("p5.48xlarge")
    inputs["networkInterfaces"][0]["networkCardIndex"] = 40
    assert fabric(inputs) == ["no interface with an address at card 0, device 0, where the machine's own is"]


def test_a_fabric_without_a_security_group_is_refused() -> None:
    inputs = template("g6e.8xlarge")
    del inputs["networkInterfaces"][1]["securityGroups"]
    assert "falls into the network's default one" in fabric(inputs)[0]
    inputs["networkInterfaces"][1]["securityGroups"] = UNKNOWN
    assert fabric(inputs) == []


def test_a_fabric_on_a_machine_that_has_none_is_refused() -> None:
    inputs = template("p5.48xlarge", instanceType="m7i.xlarge")
    assert "but m7i.xlarge has 0" in fabric(inputs)[0]
    assert "no machine type that is known" in fabric(template("p5.48xlarge", instanceType="p9.48xlarge"))[0]


def block(**keys: Any) -> dict[str, Any]:
    return {
        "instanceMarketOptions": {"marketType": "capacity-block"},
        "capacityReservationSpecification": {"capacityReservationTarget": {"capacityReservationId": "cr-1"}},
    } | keys


def empty_target(**keys: Any) -> dict[str, Any]:
    return {"capacityReservationSpecification": {"capacityReservationTarget": {}} | keys}


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        block(),
        block(capacityReservationSpecification={"capacityReservationTarget": {"capacityReservationId": UNKNOWN}}),
        block(capacityReservationSpecification=UNKNOWN),
        block(capacityReservationSpecification={
            "capacityReservationTarget": {"capacityReservationResourceGroupArn": "arn:aws:resource-groups:x"}
        }),
        {"capacityReservationSpecification": {"capacityReservationPreference": "none"}},
    ],
)  # fmt: skip
def test_a_template_that_names_what_it_means_passes(inputs: dict[str, Any]) -> None:
    assert list(reservation_targeted.check(LAUNCH_TEMPLATE, inputs)) == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (block(capacityReservationSpecification=None), "names none"),
        (block() | empty_target(), "names none"),
        (empty_target(), "has no target"),
        (empty_target(capacityReservationPreference="open"), "is empty"),
        (
            block(capacityReservationSpecification={
                "capacityReservationTarget": {"capacityReservationId": "cr-1"}, "capacityReservationPreference": "open"
            }),
            "lets machines start outside it",
        ),
    ],
)  # fmt: skip
def test_a_reservation_that_is_not_named_is_refused(inputs: dict[str, Any], words: str) -> None:
    (violation,) = reservation_targeted.check(LAUNCH_TEMPLATE, inputs)
    assert words in violation


def test_a_node_group_on_a_block_needs_a_template_and_names_no_types() -> None:
    good = {"capacityType": "CAPACITY_BLOCK", "launchTemplate": {"id": UNKNOWN}}
    assert list(reservation_targeted.check(NODE_GROUP, good)) == []
    assert len(list(reservation_targeted.check(NODE_GROUP, {"capacityType": "CAPACITY_BLOCK"}))) == 1
    assert len(list(reservation_targeted.check(NODE_GROUP, good | {"instanceTypes": ["p5.48xlarge"]}))) == 1


@pytest.mark.parametrize("name", ["mine", UNKNOWN])
def test_a_block_with_a_placement_group_is_refused(name: Any) -> None:
    grouped = {"placement": {"groupName": name}}
    assert len(list(placement_consistent.check(LAUNCH_TEMPLATE, block() | grouped))) == 1
    assert list(placement_consistent.check(LAUNCH_TEMPLATE, grouped)) == []
    assert list(placement_consistent.check(LAUNCH_TEMPLATE, block())) == []


INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EITHER = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
CLUSTER = "aws:eks/cluster:Cluster"
SERVICE = "kubernetes:core/v1:Service"


def balancer(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Service that a cloud makes a load balancer for."""
    return {"metadata": {"annotations": annotations or {}}, "spec": {"type": "LoadBalancer", **spec}}


PROXY = "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"


def proxy(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Gateway's proxy behind a load balancer."""
    service = {"type": "LoadBalancer", "annotations": annotations or {}, **spec}
    return {"spec": {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": service}}}}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (PROXY, proxy()),
        (PROXY, proxy(loadBalancerSourceRanges=["0.0.0.0/0"])),
        (INGRESS, {"cidrIpv4": "0.0.0.0/0"}),
        (INGRESS, {"cidrIpv4": "128.0.0.0/1"}),
        (INGRESS, {"cidrIpv6": "::/0"}),
        (EITHER, {"type": "ingress", "cidrBlocks": ["10.0.0.0/16", "0.0.0.0/0"]}),
        (GROUP, {"ingress": [{"ipv6CidrBlocks": ["::/0"]}]}),
        (CLUSTER, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}}),
        (CLUSTER, {"vpcConfig": {"endpointPublicAccess": True}}),
        (CLUSTER, {"vpcConfig": {}}),
        (SERVICE, balancer()),
        (SERVICE, balancer(loadBalancerSourceRanges=["0.0.0.0/0"])),
        (SERVICE, balancer(annotations={"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"})),
    ],
)
def test_a_way_in_for_everybody_is_refused(kind: str, inputs: dict[str, Any]) -> None:
    assert len(list(no_open_ingress.check(kind, inputs))) == 1


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (INGRESS, {"cidrIpv4": "10.0.0.0/8"}),
        (INGRESS, {"cidrIpv4": UNKNOWN, "referencedSecurityGroupId": UNKNOWN}),
        (EITHER, {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", {"cidrIpv4": "0.0.0.0/0"}),
        (GROUP, {"egress": [{"cidrBlocks": ["0.0.0.0/0"]}]}),
        (CLUSTER, {"vpcConfig": {"endpointPublicAccess": False}}),
        (CLUSTER, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}}),
        (CLUSTER, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": UNKNOWN}}),
        (CLUSTER, {"vpcConfig": UNKNOWN}),
        (SERVICE, {"metadata": {}, "spec": {"type": "ClusterIP"}}),
        (PROXY, proxy(type="ClusterIP")),
        (PROXY, proxy(loadBalancerSourceRanges=["203.0.113.0/24"])),
        (PROXY, proxy(annotations={"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"})),
        (SERVICE, balancer(loadBalancerSourceRanges=["203.0.113.0/24"])),
        (SERVICE, balancer(loadBalancerSourceRanges=UNKNOWN)),
        (SERVICE, balancer(annotations={"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"})),
    ],
)
def test_a_way_in_for_some_passes(kind: str, inputs: dict[str, Any]) -> None:
    assert list(no_open_ingress.check(kind, inputs)) == []


def disk(**keys: Any) -> dict[str, Any]:
    return {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": keys}]}


def sse(**keys: Any) -> dict[str, Any]:
    return {"rules": [{"applyServerSideEncryptionByDefault": keys}]}


def secrets(**keys: Any) -> dict[str, Any]:
    return {"encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": KEY}} | keys}


LUSTRE, ELASTIC = "aws:fsx/lustreFileSystem:LustreFileSystem", "aws:efs/fileSystem:FileSystem"
LOGS, VOLUME = "aws:cloudwatch/logGroup:LogGroup", "aws:ebs/volume:Volume"
BUCKET = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
METRICS = "aws:amp/workspace:Workspace"
IMAGES = "aws:ecr/repository:Repository"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (LAUNCH_TEMPLATE, disk(volumeSize=100)),
        (LAUNCH_TEMPLATE, disk(encrypted="false")),
        (VOLUME, {}),
        (LUSTRE, {"deploymentType": "PERSISTENT_2"}),
        (ELASTIC, {"kmsKeyId": KEY}),
        (ELASTIC, {"encrypted": True}),
        (LOGS, {"name": "x"}),
        (METRICS, {"alias": "x"}),
        (BUCKET, sse(sseAlgorithm="AES256")),
        (BUCKET, sse(sseAlgorithm="aws:kms")),
        (CLUSTER, {}),
        (CLUSTER, secrets(resources=[])),
        (CLUSTER, secrets(provider={})),
        (IMAGES, {}),
        (IMAGES, {"encryptionConfigurations": [{"encryptionType": "AES256"}]}),
    ],
)
def test_what_is_kept_in_the_clear_is_refused(kind: str, inputs: dict[str, Any]) -> None:
    assert len(list(encrypted_with_key.check(kind, inputs))) == 1


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (LAUNCH_TEMPLATE, disk(encrypted="true")),
        (LAUNCH_TEMPLATE, {"blockDeviceMappings": [{"deviceName": "/dev/sdb", "virtualName": "ephemeral0"}]}),
        (VOLUME, {"encrypted": True}),
        (LUSTRE, {"deploymentType": "PERSISTENT_2", "kmsKeyId": UNKNOWN}),
        (LUSTRE, {"deploymentType": "SCRATCH_2"}),
        (ELASTIC, {"encrypted": True, "kmsKeyId": KEY}),
        (LOGS, {"kmsKeyId": UNKNOWN}),
        (METRICS, {"kmsKeyArn": UNKNOWN}),
        (BUCKET, sse(sseAlgorithm="aws:kms", kmsMasterKeyId=UNKNOWN)),
        (CLUSTER, secrets()),
        (CLUSTER, secrets(provider={"keyArn": UNKNOWN})),
        (CLUSTER, secrets(provider=UNKNOWN)),
        (CLUSTER, {"encryptionConfig": UNKNOWN}),
        (IMAGES, {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": UNKNOWN}]}),
        (IMAGES, {"encryptionConfigurations": UNKNOWN}),
    ],
)
def test_what_has_a_key_passes(kind: str, inputs: dict[str, Any]) -> None:
    assert list(encrypted_with_key.check(kind, inputs)) == []


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "has no tag"),
        ({"penstock:expires": "2026-12-31T00:00:00+00:00"}, "it expired at"),
        ({"penstock:expires": "soon"}, "is not a time"),
        ({"penstock:expires": "2027-12-31T00:00:00"}, "has no zone"),
    ],
)
def test_accelerators_without_an_end_are_refused(tags: dict[str, str], words: str) -> None:
    (violation,) = expiry_set.check(LAUNCH_TEMPLATE, {"instanceType": "g6.xlarge", "tags": tags}, NOW)
    assert words in violation


@pytest.mark.parametrize(
    "inputs",
    [
        {"instanceType": "g6.xlarge", "tags": {"penstock:expires": "2027-12-31T00:00:00Z"}},
        {"instanceType": "trn1.32xlarge", "tagsAll": {"penstock:expires": "2027-12-31T00:00:00+00:00"}},
        {"instanceType": "g6.xlarge", "tags": UNKNOWN},
        {"instanceType": "m7i.xlarge"},
        {"instanceType": UNKNOWN},
    ],
)
def test_an_end_to_come_passes(inputs: dict[str, Any]) -> None:
    assert list(expiry_set.check(LAUNCH_TEMPLATE, inputs, NOW)) == []


ADD_ON, JOB, MODEL = "aws:eks/addon:Addon", "aws:batch/jobDefinition:JobDefinition", "aws:sagemaker/model:Model"
CONTROLLED = "aws:cloudcontrol/resource:Resource"


def gang(image: str) -> dict[str, Any]:
    return {"nodeProperties": json.dumps({"nodeRangeProperties": [{"container": {"image": image}}]})}


RELEASE, JOB_SET = "kubernetes:helm.sh/v3:Release", "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"
OPERAND = "kubernetes:mellanox.com/v1alpha1:NicClusterPolicy"
PLUGIN = {"image": "k8s-rdma-shared-dev-plugin", "repository": "nvcr.io/nvidia/mellanox"}


def pods(image: str) -> dict[str, Any]:
    template = {"spec": {"template": {"spec": {"containers": [{"name": "ranks", "image": image}]}}}}
    return {"spec": {"replicatedJobs": [{"name": "nodes", "template": template}]}}


def slurm(**scheduler: Any) -> dict[str, Any]:
    return {"typeName": "AWS::PCS::Cluster", "desiredState": json.dumps({"Scheduler": scheduler})}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (CLUSTER, {}),
        (ADD_ON, {"addonName": "vpc-cni"}),
        (ADD_ON, {"addonName": "vpc-cni", "addonVersion": "latest"}),
        (JOB, gang("repository.example/train:latest")),
        (JOB, gang("repository.example:5000/train")),
        (MODEL, {"primaryContainer": {"image": "serve"}}),
        (MODEL, {"containers": [{"image": "serve:latest"}]}),
        (CONTROLLED, slurm(Type="SLURM")),
        (RELEASE, {"chart": "kueue"}),
        (JOB_SET, pods("repository.example/train")),
        (OPERAND, {"spec": {"rdmaSharedDevicePlugin": PLUGIN | {"version": "latest"}}}),
    ],
)
def test_an_open_version_is_refused(kind: str, inputs: dict[str, Any]) -> None:
    assert len(list(versions_pinned.check(kind, inputs))) == 1


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (CLUSTER, {"version": "1.35"}),
        (ADD_ON, {"addonName": "vpc-cni", "addonVersion": "v1.22.4-eksbuild.3"}),
        (ADD_ON, {"addonName": "vpc-cni", "addonVersion": UNKNOWN}),
        (JOB, gang("repository.example:5000/train:2027-01")),
        (JOB, gang("train@sha256:" + "0" * 64)),
        (JOB, {"nodeProperties": UNKNOWN}),
        (MODEL, {"primaryContainer": {"image": UNKNOWN}}),
        (CONTROLLED, slurm(Type="SLURM", Version="25.05")),
        (CONTROLLED, {"typeName": "AWS::PCS::Queue", "desiredState": "{}"}),
        (RELEASE, {"chart": "kueue", "version": "0.18.3"}),
        (JOB_SET, pods("repository.example/train:cuda-0.1.0")),
        (JOB_SET, {"spec": UNKNOWN}),
        (OPERAND, {"spec": {"rdmaSharedDevicePlugin": PLUGIN | {"version": "network-operator-v26.4.1"}}}),
    ],
)
def test_a_chosen_version_passes(kind: str, inputs: dict[str, Any]) -> None:
    assert list(versions_pinned.check(kind, inputs)) == []
