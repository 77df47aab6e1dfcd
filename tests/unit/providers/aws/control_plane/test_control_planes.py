"""PCS, Batch and HyperPod as components: what they ask the engine for, and in which order."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from providers.aws.control_plane.batch.build import Batch
from providers.aws.control_plane.batch.plan import plan_batch
from providers.aws.control_plane.host_mounts import HostMount, LustreMount, NfsMount
from providers.aws.control_plane.hyper_pod.build import HyperPod
from providers.aws.control_plane.hyper_pod.plan import plan_hyper_pod
from providers.aws.control_plane.pcs.build import Pcs
from providers.aws.control_plane.pcs.plan import plan_pcs
from providers.aws.eks_handle import EksHandle
from providers.aws.network.handle import NetworkHandle
from tests.unit.providers.aws.control_plane.planned_pools import decided
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.nodes.pools import pool, spec_of

RESOURCE = "aws:cloudcontrol/resource:Resource"
PROPERTIES = {
    "Resource": {"properties": json.dumps({"Id": "pcs_1", "Arn": "arn:pcs_1", "Endpoints": [], "ClusterArn": "arn:1"})}
}
MOUNTS = (LustreMount(path="/fsx", dns_name="fs-1.fsx", mount_name="abcd"), NfsMount(path="/home", dns_name="fs-2.efs"))


def network() -> NetworkHandle:
    class Subnets(dict[str, pulumi.Output[str]]):
        def __missing__(self, name: str) -> pulumi.Output[str]:
            return pulumi.Output.from_input(f"subnet-{name}")

    vpc = pulumi.Output.from_input("vpc-1")
    return NetworkHandle(vpc_id=vpc, subnet_ids=Subnets(), gang_security_group_id=pulumi.Output.from_input("sg-gang"))


def built(make: Callable[[], Any], *, preview: bool = False) -> Graph:
    return register(make, preview=preview, outputs=PROPERTIES)


def slurm(mounts: tuple[HostMount, ...] = (), *pools: dict[str, Any], preview: bool = False, **keys: Any) -> Graph:
    asked = {"kind": "pcs", "amiId": "ami-0123456789abcdef0", **keys}
    plan = decided(plan_pcs, spec_of(*(pools or (pool(count=2),)), aws={"controlPlane": asked}))
    return built(lambda: Pcs("slurm", plan=plan, network=network(), mounts=mounts, tags={"team": "a"}), preview=preview)


def state(graph: Graph, type_name: str) -> dict[str, Any]:
    """The desired state of the one resource of the type."""
    (found,) = [each for each in graph.of(RESOURCE) if each.inputs["typeName"] == type_name]
    return dict(json.loads(found.inputs["desiredState"]))


def test_the_controller_as_cloudformation_spells_it() -> None:
    cluster = state(slurm(accounting=True), "AWS::PCS::Cluster")
    assert cluster["Scheduler"] == {"Type": "SLURM", "Version": "25.05"}
    assert cluster["SlurmConfiguration"]["Accounting"] == {"Mode": "STANDARD"}
    assert cluster["Networking"]["SecurityGroupIds"] == ["sg-gang"]
    assert cluster["Tags"] == {"team": "a", "Name": "slurm-controller"}


def test_nodes_start_from_the_pool_s_template_with_the_role_that_pcs_wants() -> None:
    graph = slurm()
    group = state(graph, "AWS::PCS::ComputeNodeGroup")
    assert group["CustomLaunchTemplate"]["TemplateId"] == "slurm-train-id"
    assert group["InstanceConfigs"] == [{"InstanceType": "p5.48xlarge"}]
    assert graph.one("InstanceProfile").inputs["name"].startswith("AWSPCS")
    assert graph.one("Role").inputs["name"].startswith("AWSPCS")
    assert json.loads(graph.one("RolePolicy").inputs["policy"])["Statement"][0]["Resource"] == "arn:pcs_1"
    interfaces = graph.one("aws:ec2/launchTemplate:LaunchTemplate").inputs["networkInterfaces"]
    assert all(interface["securityGroups"] == ["sg-gang"] for interface in interfaces)
    assert len(interfaces) == 33


def test_no_node_starts_before_it_may_register_and_reach_the_controller() -> None:
    (group,) = [each for each in slurm().of(RESOURCE) if each.name == "slurm-train"]
    assert {"slurm-register", "slurm-controller"} <= set(group.depends_on)


def test_a_queue_has_its_pool_s_groups() -> None:
    queue = state(slurm(), "AWS::PCS::Queue")
    assert (queue["Name"], queue["ComputeNodeGroupConfigurations"]) == ("train", [{"ComputeNodeGroupId": "pcs_1"}])


def test_file_systems_are_mounted_at_first_boot() -> None:
    data = slurm(MOUNTS).one("aws:ec2/launchTemplate:LaunchTemplate").inputs["userData"]
    text = base64.b64decode(data).decode()
    assert text.startswith("MIME-Version: 1.0\nContent-Type: multipart/mixed")
    assert "mount -t lustre -o relatime,flock fs-1.fsx@tcp:/abcd /fsx\n" in text
    assert "fs-2.efs:/ /home\n" in text
    assert "userData" not in slurm().one("aws:ec2/launchTemplate:LaunchTemplate").inputs


def gang(preview: bool = False) -> Graph:
    asked = {"kind": "batch", "image": "i:1", "command": ["train"]}
    plan = decided(plan_batch, spec_of(pool(count=2), aws={"controlPlane": asked}))
    return built(lambda: Batch("batch", plan=plan, network=network()), preview=preview)


def test_batch_starts_machines_from_the_pool_s_template() -> None:
    graph = gang()
    machines = graph.one("ComputeEnvironment").inputs["computeResources"]
    assert machines["launchTemplate"]["launchTemplateId"] == "batch-train-id"
    assert machines["securityGroupIds"] == ["sg-gang"]
    assert (machines["minVcpus"], machines["maxVcpus"]) == (0, 384)
    assert len(machines["subnets"]) == 1
    assert json.loads(graph.one("JobDefinition").inputs["nodeProperties"])["numNodes"] == 2
    assert "batch-nodes-AmazonEC2ContainerServiceforEC2Role" in graph.one("ComputeEnvironment").depends_on


def pod(preview: bool = False, **keys: Any) -> Graph:
    asked = {"pools": ["train"], "lifecycleScripts": "s3://scripts/eks/", **keys}
    plan = decided(plan_hyper_pod, spec_of(pool(count=2), aws={"hyperPod": asked}))
    assert plan is not None

    def program() -> HyperPod:
        text = pulumi.Output.from_input("text")
        eks = EksHandle(
            version="1.34",
            cluster_name=text, cluster_arn=pulumi.Output.from_input("arn:eks"), endpoint=text,
            certificate_authority=text, cluster_security_group_id=pulumi.Output.from_input("sg-eks"),
            node_role_arn=text, node_role_name=text, service_cidr="172.20.0.0/16", kubeconfig=text, ready=(),
        )  # fmt: skip
        return HyperPod("pod", plan=plan, cluster=eks, network=network())

    return built(program, preview=preview)


def test_hyper_pod_joins_the_eks_cluster() -> None:
    graph = pod()
    cluster = state(graph, "AWS::SageMaker::Cluster")
    (group,) = cluster["InstanceGroups"]
    assert cluster["Orchestrator"] == {"Eks": {"ClusterArn": "arn:eks"}}
    assert cluster["NodeRecovery"] == "Automatic"
    assert (group["InstanceType"], group["InstanceCount"]) == ("ml.p5.48xlarge", 2)
    assert group["OverrideVpcConfig"]["SecurityGroupIds"] == ["sg-eks", "sg-gang"]
    assert group["OnStartDeepHealthChecks"] == ["InstanceStress", "InstanceConnectivity"]
    assert group["LifeCycleConfig"] == {"SourceS3Uri": "s3://scripts/eks/", "OnCreate": "on_create.sh"}
    scripts = graph.named("pod-scripts", "RolePolicy").inputs["policy"]
    assert json.loads(scripts)["Statement"][0]["Resource"] == "arn:aws:s3:::scripts/eks/*"


def test_what_is_not_asked_of_hyper_pod_is_left_out() -> None:
    (group,) = state(pod(deepHealthChecks=False), "AWS::SageMaker::Cluster")["InstanceGroups"]
    assert not {"OnStartDeepHealthChecks", "TrainingPlanArn"} & set(group)


@pytest.mark.parametrize("make", [slurm, gang, pod])
def test_a_preview_registers_the_same(make: Callable[..., Graph]) -> None:
    real, foreseen = make(), make(preview=True)
    assert {(each.token, each.name) for each in real.registrations} == {
        (each.token, each.name) for each in foreseen.registrations
    }


@pytest.mark.parametrize("make", [slurm, gang, pod])
def test_every_child_has_its_component_s_name_and_a_parent(make: Callable[..., Graph]) -> None:
    top, *children = make().registrations
    assert all(child.name.startswith(top.name) and child.parent for child in children)
