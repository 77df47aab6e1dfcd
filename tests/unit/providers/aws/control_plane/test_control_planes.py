"""PCS, Batch and HyperPod as components: what they ask the engine for, and in which order."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi_aws import kms, s3

from providers.aws.control_plane.batch.build import Batch
from providers.aws.control_plane.batch.plan import plan_batch
from providers.aws.control_plane.host_mounts import EfsMount, HostMount, LustreMount
from providers.aws.control_plane.hyper_pod.build import HyperPod
from providers.aws.control_plane.hyper_pod.plan import plan_hyper_pod
from providers.aws.control_plane.pcs.build import Pcs
from providers.aws.control_plane.pcs.plan import plan_pcs
from providers.aws.eks_handle import EksHandle
from providers.aws.network.handle import NetworkHandle
from providers.aws.storage.access import bucket_rights
from providers.aws.storage.handle import BucketHandle, StorageHandle
from tests.unit.providers.aws.control_plane.planned_pools import decided
from tests.unit.providers.aws.in_the_field import found_in
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.nodes.pools import pool, spec_of

RESOURCE = "aws:cloudcontrol/resource:Resource"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
PROPERTIES = {
    "Resource": {"properties": json.dumps({"Id": "pcs_1", "Arn": "arn:pcs_1", "Endpoints": [], "ClusterArn": "arn:1"})}
}
MOUNTS = (
    LustreMount(path="/fsx", dns_name="fs-1.fsx", mount_name="abcd"),
    EfsMount(path="/home", file_system_id="fs-2"),
)


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


def state(graph: Graph, type_name: str, name: str = "") -> dict[str, Any]:
    """The desired state of the one resource of the type, and of that name where one is given."""
    found = [
        json.loads(each.inputs["desiredState"]) for each in graph.of(RESOURCE) if each.inputs["typeName"] == type_name
    ]
    (only,) = [each for each in found if name in ("", each.get("Name"))]
    return dict(only)


def test_the_controller_as_cloudformation_spells_it() -> None:
    cluster = state(slurm(accounting=True), "AWS::PCS::Cluster")
    assert cluster["Scheduler"] == {"Type": "SLURM", "Version": "25.05"}
    assert cluster["SlurmConfiguration"]["Accounting"] == {"Mode": "STANDARD"}
    assert cluster["Networking"]["SecurityGroupIds"] == ["sg-gang"]
    assert cluster["Tags"] == {"team": "a", "Name": "slurm-controller"}


def test_nodes_start_from_the_pool_s_template_with_the_role_that_pcs_wants() -> None:
    graph = slurm()
    group = state(graph, "AWS::PCS::ComputeNodeGroup", "train")
    assert group["CustomLaunchTemplate"]["TemplateId"] == "slurm-train-id"
    assert group["InstanceConfigs"] == [{"InstanceType": "p5.48xlarge"}]
    assert graph.one("InstanceProfile").inputs["name"].startswith("AWSPCS")
    assert graph.one("Role").inputs["name"].startswith("AWSPCS")
    assert json.loads(graph.one("RolePolicy").inputs["policy"])["Statement"][0]["Resource"] == "*"
    interfaces = graph.named("slurm-train", TEMPLATE).inputs["networkInterfaces"]
    assert all(interface["securityGroups"] == ["sg-gang"] for interface in interfaces)
    assert len(interfaces) == 33


def test_no_node_starts_before_it_may_register_and_reach_the_controller() -> None:
    (group,) = [each for each in slurm().of(RESOURCE) if each.name == "slurm-train"]
    assert {"slurm-register", "slurm-controller", "slurm-session"} <= set(group.depends_on)


def test_the_profile_is_there_for_minutes_before_a_node_group_needs_it() -> None:
    graph = slurm()
    (controller,) = [each for each in graph.of(RESOURCE) if each.name == "slurm-controller"]
    assert "slurm-nodes" in controller.depends_on
    assert found_in(graph, "propagation") == []


def test_people_submit_from_a_node_that_is_in_no_queue_and_has_the_image_and_the_file_systems() -> None:
    graph = slurm(MOUNTS, rootDevice="/dev/xvda")
    login, train = (state(graph, "AWS::PCS::ComputeNodeGroup", name) for name in ("login", "train"))
    assert login["ScalingConfiguration"] == {"MinInstanceCount": 1, "MaxInstanceCount": 1}
    assert login["InstanceConfigs"] == [{"InstanceType": "m7i.xlarge"}]
    assert (login["AmiId"], login["IamInstanceProfileArn"]) == (train["AmiId"], train["IamInstanceProfileArn"])
    for template in graph.of(TEMPLATE):
        assert [disk["deviceName"] for disk in template.inputs["blockDeviceMappings"]] == ["/dev/xvda"]


def test_the_root_disk_is_that_of_awss_image_for_pcs_where_nothing_else_is_said() -> None:
    template = slurm().named("slurm-train", TEMPLATE)
    assert template.inputs["blockDeviceMappings"][0]["deviceName"] == "/dev/sda1"


def test_a_queue_has_its_pool_s_groups() -> None:
    queue = state(slurm(), "AWS::PCS::Queue")
    assert (queue["Name"], queue["ComputeNodeGroupConfigurations"]) == ("train", [{"ComputeNodeGroupId": "pcs_1"}])


def test_file_systems_are_mounted_at_first_boot() -> None:
    graph = slurm(MOUNTS)
    data = graph.named("slurm-login", TEMPLATE).inputs["userData"]
    assert graph.named("slurm-train", TEMPLATE).inputs["userData"] == data
    text = base64.b64decode(data).decode()
    assert text.startswith("MIME-Version: 1.0\nContent-Type: multipart/mixed")
    assert text.endswith("\n\n--==penstock==--\n"), "PCS wants a blank line before it"
    assert "mount -t lustre -o relatime,flock fs-1.fsx@tcp:/abcd /fsx\n" in text
    assert "mount -t efs -o tls fs-2:/ /home\n" in text
    assert "userData" not in slurm().named("slurm-train", TEMPLATE).inputs


def gang(preview: bool = False) -> Graph:
    asked = {"kind": "batch", "image": "i:1", "command": ["train"]}
    plan = decided(plan_batch, spec_of(pool(count=2), aws={"controlPlane": asked}))
    return built(lambda: Batch("batch", plan=plan, network=network()), preview=preview)


def beside_a_bucket(rights: bool = True) -> Graph:
    """Batch with a bucket of the stack, of which its jobs are told or not."""
    asked = {"kind": "batch", "image": "i:1", "command": ["train"]}
    plan = decided(plan_batch, spec_of(pool(count=2), aws={"controlPlane": asked}))

    def program() -> Batch:
        key, bucket = kms.Key("key"), s3.Bucket("objects")
        store = BucketHandle(name=bucket.bucket, arn=bucket.arn)
        storage = StorageHandle(
            volume_path="", key_arn=key.arn, file_system=None, shared_file_system=None, object_store=store,
            express_store=None, repositories={}, mirrors={},
        )  # fmt: skip
        return Batch("batch", plan=plan, network=network(), rights=bucket_rights(storage) if rights else None)

    return built(program)


def test_batch_starts_machines_from_the_pool_s_template() -> None:
    graph = gang()
    machines = graph.one("ComputeEnvironment").inputs["computeResources"]
    assert machines["launchTemplate"]["launchTemplateId"] == "batch-train-id"
    assert "securityGroupIds" not in machines, "they stand on the template's interfaces"
    template = graph.one("aws:ec2/launchTemplate:LaunchTemplate").inputs
    assert all(one["securityGroups"] == ["sg-gang"] for one in template["networkInterfaces"])
    assert (machines["minVcpus"], machines["maxVcpus"]) == (0, 384)
    assert len(machines["subnets"]) == 1
    assert json.loads(graph.one("JobDefinition").inputs["nodeProperties"])["numNodes"] == 2
    assert "batch-nodes-AmazonEC2ContainerServiceforEC2Role" in graph.one("ComputeEnvironment").depends_on


def test_the_field_takes_batch_as_it_is() -> None:
    assert found_in(beside_a_bucket(), "exclusive", "lacking", "propagation") == []


def test_jobs_of_batch_act_on_the_stacks_buckets_alone_and_never_as_the_machine() -> None:
    graph = beside_a_bucket()
    arn = graph.named("batch-jobs", "Role")
    assert "ecs-tasks.amazonaws.com" in arn.inputs["assumeRolePolicy"]
    container = json.loads(graph.one("JobDefinition").inputs["nodeProperties"])["nodeRangeProperties"][0]["container"]
    assert container["jobRoleArn"].endswith(":batch-jobs")
    statements = json.loads(graph.named("batch-jobs-stores", "RolePolicy").inputs["policy"])["Statement"]
    assert {statement["Resource"][0].rpartition(":")[2] for statement in statements} == {"key", "objects", "objects/*"}
    (told,) = found_in(beside_a_bucket(rights=False), "lacking")
    assert "may not s3:ListBucket and s3:GetObject and s3:PutObject: its jobs cannot reach objects" in told


def pod(preview: bool = False, **keys: Any) -> Graph:
    asked = {"pools": ["train"], "lifecycleScripts": "s3://scripts/eks/", "chartInstalled": True, **keys}
    plan = decided(plan_hyper_pod, spec_of(pool(count=2), aws={"hyperPod": asked}, kubernetesVersion="1.34"))
    assert plan is not None

    def program() -> HyperPod:
        text = pulumi.Output.from_input("text")
        eks = EksHandle(
            version="1.34",
            cluster_name=text, cluster_arn=pulumi.Output.from_input("arn:eks"), endpoint=text,
            certificate_authority=text, cluster_security_group_id=pulumi.Output.from_input("sg-eks"),
            node_role_arn=text, node_role_name=text, service_cidr="172.20.0.0/16", kubeconfig=text, ways_in=(),
            ready=(),
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


def test_deep_health_checks_are_waited_for_longer_than_the_provider_does() -> None:
    assert found_in(pod(), "patience") == []


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
