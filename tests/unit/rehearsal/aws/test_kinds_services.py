"""The control planes beside EKS and the serving side, as components, on the simulated account."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from components.spec.stack import StackSpec, parse_stack
from engine.provider.values import Unknown
from providers import clouds
from providers.aws.control_plane.batch.build import Batch
from providers.aws.control_plane.batch.plan import plan_batch
from providers.aws.control_plane.eks.build import Eks
from providers.aws.control_plane.eks.karpenter import Karpenter
from providers.aws.control_plane.eks.keeping import Keeping
from providers.aws.control_plane.eks.plan import plan_eks
from providers.aws.control_plane.hyper_pod.build import HyperPod
from providers.aws.control_plane.hyper_pod.plan import plan_hyper_pod
from providers.aws.control_plane.pcs.build import Pcs
from providers.aws.control_plane.pcs.plan import plan_pcs
from providers.aws.network.build import Network
from providers.aws.network.plan import plan_network
from providers.aws.network.types import NetworkPlan
from providers.aws.nodes.plan import plan_pools
from providers.aws.serving.build import Serving
from providers.aws.serving.plan import plan_serving
from providers.aws.settings import AwsSpec
from providers.aws.types import AwsNodePoolPlan
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Treatment
from rehearsal.field.deployed import BuiltResource, Deployment
from rehearsal.field.hosts import entrances
from rehearsal.field.reading import deployment_of
from rehearsal.providers.aws.field_facts import FACTS
from rehearsal.providers.aws.kinds.batch import ENVIRONMENT, JOB_DEFINITION, QUEUE
from rehearsal.providers.aws.kinds.bedrock import THROUGHPUT
from rehearsal.providers.aws.kinds.cloudcontrol import RESOURCE
from rehearsal.providers.aws.kinds.sagemaker import CONFIGURATION
from tests.unit.rehearsal.aws.on_simulated_aws import REGION, SimulatedAws

STACK = "aws-test"
LATE_LOGS = [f"LogGroup /aws/eks/{STACK}/cluster"]
"""Made anew by EKS; the whole program has something that takes it away."""
LOAD_BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:210987654321:loadbalancer/net/serve/0123456789abcdef"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/serve:1.0"
FAMILY = {"name": "train", "machineType": "p5.48xlarge", "count": 4, "zone": "us-east-2b"}


@pytest.fixture
def aws() -> Iterator[SimulatedAws]:
    simulated = SimulatedAws()
    yield simulated
    simulated.cloud.close()


def asked(aws_settings: dict[str, Any], *pools: dict[str, Any], **more: str) -> tuple[StackSpec, AwsSpec]:
    cluster = {"cloud": "aws", "region": REGION, "nodePools": list(pools or [FAMILY]), **more}
    spec = parse_stack({"penstock:cluster": cluster, "penstock:aws": aws_settings}, "stack.yaml", clouds())
    assert isinstance(spec.settings, AwsSpec)
    return spec, spec.settings


def base(spec: StackSpec, settings: AwsSpec) -> tuple[tuple[AwsNodePoolPlan, ...], NetworkPlan]:
    pools = plan_pools(spec, settings, STACK, datetime(2027, 1, 1, tzinfo=UTC))
    return pools, plan_network(spec, settings, pools)


PCS = {"controlPlane": {"kind": "pcs", "amiId": "ami-0123456789abcdef0"}}


def build_pcs(aws: SimulatedAws) -> None:
    spec, settings = asked(PCS)
    pools, network = base(spec, settings)
    plan = plan_pcs(spec, settings, pools, network, STACK)
    aws.build(lambda: Pcs("slurm", plan=plan, network=Network("net", plan=network).handle, tags={"team": "a"}))


def test_slurm_becomes_the_requests_of_pcs_itself_and_goes_without_a_trace(aws: SimulatedAws) -> None:
    build_pcs(aws)
    kept = aws.requested(Treatment.KEPT)
    assert {"cloudcontrol:CreateResource", "pcs:CreateCluster", "pcs:CreateComputeNodeGroup", "pcs:CreateQueue"} <= kept
    aws.destroy()
    assert aws.cloud.account.objects() == ()
    assert {"pcs:DeleteCluster", "pcs:DeleteComputeNodeGroup", "pcs:DeleteQueue"} <= aws.requested(Treatment.KEPT)


def in_the_field(aws: SimulatedAws) -> Deployment:
    made = [
        BuiltResource(token=one.token, name=one.called, id=one.id, inputs=one.inputs, outputs=one.outputs)
        for one in aws.cloud.account.objects()
    ]
    return deployment_of(FACTS, made)


def test_a_slurm_cluster_has_a_node_that_people_submit_from(aws: SimulatedAws) -> None:
    build_pcs(aws)
    deployment = in_the_field(aws)
    assert list(entrances(deployment)) == []
    without = tuple(one for one in deployment.resources if "login" not in one.name)
    (found,) = entrances(replace(deployment, resources=without))
    assert found.message == "slurm-controller has no node outside its queues: nobody can submit a job"


def test_what_slurm_nodes_start_from_does_not_go_before_them(aws: SimulatedAws) -> None:
    build_pcs(aws)
    needed = [made for made in aws.made if made[0].rpartition(":")[2] in ("LaunchTemplate", "InstanceProfile")]
    assert len(needed) == 3, "the pool's template, the login node's, and the profile of both"
    for made in needed:
        with pytest.raises(CloudApiError, match="instances"):
            aws.cloud.delete(*made)


def cluster_state(**changed: Any) -> dict[str, Any]:
    state = {
        "Name": "slurm",
        "Size": "SMALL",
        "Scheduler": {"Type": "SLURM", "Version": "25.05"},
        "Networking": {"SubnetIds": []},
    }
    return {"typeName": "AWS::PCS::Cluster", "desiredState": json.dumps({**state, **changed})}


WRONG_STATES = [
    ({"Size": "HUGE"}, "'HUGE' is not one of SMALL, MEDIUM, LARGE"),
    ({"size": "SMALL"}, r"extraneous key \['size'\]"),
    ({"Sizes": "SMALL"}, 'Unknown parameter in input: "sizes"'),
    ({"Arn": "arn:aws:pcs:us-east-2:123456789012:cluster/pcs_1"}, 'Unknown parameter in input: "arn"'),
    ({"Name": "a_b"}, "'a_b' does not satisfy the pattern"),
    ({"Networking": {"SubnetIds": ["subnet-0123456789abcdef0"]}}, "subnet-0123456789abcdef0' does not exist"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG_STATES)
def test_cloud_control_refuses_what_the_service_would(aws: SimulatedAws, changed: Any, message: str) -> None:
    changed = {"Networking": {"SubnetIds": ["subnet-1"]}} | changed
    with pytest.raises(CloudApiError, match=message):
        aws.cloud.create(RESOURCE, "slurm", cluster_state(**changed), region=REGION)


def test_cloud_control_names_a_type_that_nobody_wrote(aws: SimulatedAws) -> None:
    with pytest.raises(CloudApiError, match="not 'AWS::PCS::Clusters'"):
        aws.cloud.create(RESOURCE, "x", {"typeName": "AWS::PCS::Clusters", "desiredState": "{}"}, region=REGION)


def test_cloud_control_changes_what_can_change_and_nothing_else(aws: SimulatedAws) -> None:
    build_pcs(aws)
    (thing,) = [one for one in aws.cloud.account.objects() if ":cluster/" in one.id and one.id.count("/") == 1]
    state = json.loads(thing.inputs["desiredState"])
    larger = {**state, "SlurmConfiguration": {"ScaleDownIdleTimeInSeconds": 60}}
    new = {**thing.inputs, "desiredState": json.dumps(larger)}
    changed = aws.cloud.update(RESOURCE, thing.id, "slurm", thing.inputs, new, region=REGION)
    assert json.loads(changed.outputs["properties"])["SlurmConfiguration"] == {"ScaleDownIdleTimeInSeconds": 60}
    assert "pcs:UpdateCluster" in aws.requested(Treatment.KEPT)
    wrong = {**new, "desiredState": json.dumps({**larger, "Size": "LARGE"})}
    with pytest.raises(CloudApiError, match=r"\[/properties/Size\] cannot be updated"):
        aws.cloud.update(RESOURCE, thing.id, "slurm", new, wrong, region=REGION)


def test_a_preview_passes_what_is_not_known_yet(aws: SimulatedAws) -> None:
    unknown = {"typeName": "AWS::PCS::Queue", "desiredState": Unknown()}
    assert aws.cloud.foresee(RESOURCE, unknown, region=REGION)["properties"] == Unknown()


def test_batch_is_executed_by_moto_and_goes_without_a_trace(aws: SimulatedAws) -> None:
    spec, settings = asked({"controlPlane": {"kind": "batch", "image": IMAGE, "command": ["train"]}})
    pools, network = base(spec, settings)
    plan = plan_batch(spec, settings, pools, network, STACK)
    aws.build(lambda: Batch("batch", plan=plan, network=Network("net", plan=network).handle))
    made = {"batch:CreateComputeEnvironment", "batch:CreateJobQueue", "batch:RegisterJobDefinition"}
    assert made <= aws.requested(Treatment.EXECUTED)
    assert aws.one(JOB_DEFINITION)["revision"] == 1
    with pytest.raises(CloudApiError, match="JobQueue"):
        aws.cloud.delete(ENVIRONMENT, aws.one(ENVIRONMENT)["name"], "environment")
    aws.destroy()
    assert aws.cloud.account.objects() == ()


def test_a_job_definition_is_judged_down_to_its_inner_document(aws: SimulatedAws) -> None:
    inner = json.dumps({"numNodes": 2, "mainNode": 0, "nodeRangeProperty": []})
    inputs = {"name": "gang", "type": "multinode", "nodeProperties": inner}
    with pytest.raises(CloudApiError, match='Unknown parameter in nodeProperties: "nodeRangeProperty"'):
        aws.cloud.create(JOB_DEFINITION, "gang", inputs, region=REGION)


def test_a_queue_needs_its_environment(aws: SimulatedAws) -> None:
    order = [{"order": 1, "computeEnvironment": "missing"}]
    inputs = {"name": "q", "state": "ENABLED", "priority": 1, "computeEnvironmentOrders": order}
    with pytest.raises(CloudApiError, match="missing does not exist"):
        aws.cloud.create(QUEUE, "q", inputs, region=REGION)


def test_hyper_pod_becomes_sagemaker_s_own_request_and_holds_its_eks_cluster(aws: SimulatedAws) -> None:
    hyper_pod = {"pools": ["train"], "lifecycleScripts": "s3://scripts/eks/", "chartInstalled": True}
    spec, settings = asked(
        {"hyperPod": hyper_pod, "controlPlane": {"reach": {"publicCidrs": ["8.8.8.0/24"]}}}, kubernetesVersion="1.34"
    )
    pools, network = base(spec, settings)
    eks, plan = plan_eks(spec, settings, pools, network, STACK), plan_hyper_pod(spec, settings, pools, network, STACK)
    assert plan is not None

    def program() -> None:
        net = Network("net", plan=network).handle
        HyperPod("pod", plan=plan, cluster=Eks("eks", plan=eks, network=net).handle, network=net)

    aws.build(program)
    assert "sagemaker:CreateCluster" in aws.requested(Treatment.KEPT)
    (found,) = [made for made in aws.made if made[0] == "aws:eks/cluster:Cluster"]
    with pytest.raises(CloudApiError, match="membership of the cluster"):
        aws.cloud.delete(*found)
    aws.destroy()
    assert [one.what for one in aws.cloud.account.objects()] == LATE_LOGS


def test_logs_and_metrics_go_under_the_clusters_key_by_a_role_for_each(aws: SimulatedAws) -> None:
    config = {
        "penstock:cluster": {"cloud": "aws", "region": REGION, "nodePools": [FAMILY]},
        "penstock:platform": {"logs": "cloud", "metrics": "cloud", "logRetentionDays": 90},
        "penstock:aws": {"controlPlane": {"reach": {"publicCidrs": ["8.8.8.0/24"]}}},
    }
    spec = parse_stack(config, "stack.yaml", clouds())
    assert isinstance(spec.settings, AwsSpec)
    pools, network = base(spec, spec.settings)
    plan = plan_eks(spec, spec.settings, pools, network, STACK)

    def program() -> Any:
        eks = Eks("eks", plan=plan, network=Network("net", plan=network).handle)
        return Keeping("kept", plan=plan.kept, region=REGION, cluster=eks.handle, key=eks.key).values

    aws.build(program)
    requested = aws.requested(Treatment.EXECUTED)
    assert {"amp:CreateWorkspace", "logs:CreateLogGroup", "logs:PutRetentionPolicy"} <= set(requested)
    space = aws.one("aws:amp/workspace:Workspace")
    assert space["kmsKeyArn"].startswith("arn:aws:kms:")
    assert space["prometheusEndpoint"].startswith(f"https://aps-workspaces.{REGION}.amazonaws.com/workspaces/ws-")
    aws.destroy()
    assert [one.what for one in aws.cloud.account.objects()] == LATE_LOGS


def test_karpenter_hears_of_machines_by_a_queue_and_starts_none_but_its_clusters(aws: SimulatedAws) -> None:
    settings = {"controlPlane": {"reach": {"publicCidrs": ["8.8.8.0/24"]}}}
    spec, own = asked(settings)
    pools, network = base(spec, own)
    plan = plan_eks(spec, own, pools, network, STACK)

    def program() -> Any:
        eks = Eks("eks", plan=plan, network=Network("net", plan=network).handle)
        return Karpenter("karpenter", stack=STACK, region=REGION, cluster=eks.handle).values

    aws.build(program)
    requested = aws.requested(Treatment.EXECUTED)
    assert {"sqs:CreateQueue", "sqs:SetQueueAttributes", "events:PutRule", "events:PutTargets"} <= set(requested)
    queue = aws.one("aws:sqs/queue:Queue")
    policy = json.loads(aws.one("aws:sqs/queuePolicy:QueuePolicy")["policy"])
    allowed, denied = policy["Statement"]
    assert (allowed["Principal"], allowed["Resource"]) == ({"Service": "events.amazonaws.com"}, queue["arn"])
    assert len(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == 4
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    aws.destroy()
    assert [one.what for one in aws.cloud.account.objects()] == LATE_LOGS


ENDPOINTS = [
    {"name": "chat", "image": IMAGE, "modelData": "s3://models/chat.tar.gz",
     "serve": {"kind": "realTime", "machineType": "ml.g5.xlarge", "count": 1, "maxCount": 3}},
    {"name": "tiny", "image": IMAGE, "serve": {"kind": "serverless"}},
    {"name": "bulk", "image": IMAGE,
     "serve": {"kind": "asynchronous", "machineType": "ml.g6e.xlarge", "output": "s3://models/out/"}},
]  # fmt: skip
CUSTOM_MODEL = {
    "name": "tuned", "baseModel": "arn:aws:bedrock:us-east-2::foundation-model/amazon.nova-lite-v1:0:300k",
    "trainingData": "s3://models/train.jsonl", "output": "s3://models/tuned/", "hyperparameters": {"epochCount": "1"},
    "trained": True,
}  # fmt: skip


def build_serving(aws: SimulatedAws, **settings: Any) -> None:
    plan = plan_serving(asked(settings)[1], STACK)
    aws.build(lambda: Serving("serving", plan=plan))


def test_serving_is_judged_executed_where_it_can_be_and_goes_without_a_trace(aws: SimulatedAws) -> None:
    build_serving(
        aws,
        endpoints=ENDPOINTS,
        customModels=[CUSTOM_MODEL],
        throughput=[{"name": "units", "model": "tuned"}],
        globalAccelerators=[{"name": "front", "loadBalancerArn": LOAD_BALANCER, "ports": [80, 443]}],
    )
    assert {
        "sagemaker:CreateModel", "application-autoscaling:RegisterScalableTarget", "cloudwatch:PutMetricAlarm",
        "application-autoscaling:PutScalingPolicy", "bedrock:CreateModelCustomizationJob",
    } <= aws.requested(Treatment.EXECUTED)  # fmt: skip
    assert {
        "sagemaker:CreateEndpointConfig", "sagemaker:CreateEndpoint", "bedrock:CreateProvisionedModelThroughput",
        "globalaccelerator:CreateAccelerator", "globalaccelerator:CreateListener",
        "globalaccelerator:CreateEndpointGroup",
    } <= aws.requested(Treatment.KEPT)  # fmt: skip
    aws.destroy()
    assert aws.cloud.account.objects() == ()


def test_throughput_with_a_commitment_cannot_be_given_back(aws: SimulatedAws) -> None:
    units = {"name": "units", "model": CUSTOM_MODEL["baseModel"], "commitment": "OneMonth"}
    build_serving(aws, throughput=[units])
    with pytest.raises(CloudApiError, match="cannot be deleted before its end"):
        aws.cloud.delete(THROUGHPUT, aws.one(THROUGHPUT)["provisionedModelArn"], "units")


def test_an_endpoint_s_machine_type_is_judged_by_sagemaker_s_enum(aws: SimulatedAws) -> None:
    variant = {"variantName": "a", "modelName": "m", "instanceType": "ml.g9.xlarge", "initialInstanceCount": 1}
    with pytest.raises(CloudApiError, match=r"'ml\.g9\.xlarge' is not one of"):
        aws.cloud.foresee(CONFIGURATION, {"name": "c", "productionVariants": [variant]}, region=REGION)


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("aws:sagemaker/model:Model", {"name": "m", "executionRoleArn": Unknown(), "colour": "red"}),
        ("aws:globalaccelerator/accelerator:Accelerator", {"name": "a", "colour": "red"}),
        ("aws:batch/jobQueue:JobQueue", {"name": "q", "priority": 1, "state": "ENABLED", "colour": "red"}),
        ("aws:appautoscaling/target:Target", {
            "serviceNamespace": "sagemaker", "resourceId": "endpoint/a/variant/b", "colour": "red",
            "scalableDimension": "sagemaker:variant:DesiredInstanceCount", "minCapacity": 0, "maxCapacity": 1,
        }),
    ],
)  # fmt: skip
def test_an_input_that_no_request_carries_is_named(aws: SimulatedAws, token: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(CloudApiError, match=r"(?i)unknown parameter in input: \"colour\""):
        aws.cloud.foresee(token, inputs, region=REGION)


@pytest.mark.parametrize(("change", "replaces"), [({"Size": "MEDIUM"}, True), ({"Tags": {"a": "b"}}, False)])
def test_cloud_control_replaces_what_its_schema_cannot_change(
    aws: SimulatedAws, change: dict[str, Any], replaces: bool
) -> None:
    def state(document: dict[str, Any]) -> dict[str, Any]:
        return {"typeName": "AWS::PCS::Cluster", "desiredState": json.dumps(document)}

    before = {"Name": "slurm", "Size": "SMALL"}
    found = aws.cloud.difference(RESOURCE, "any", state(before), state({**before, **change}))
    assert found.changed == ("desiredState",)
    assert found.replacing == (("desiredState",) if replaces else ())
