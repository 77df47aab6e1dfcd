"""The serving side as components: what they ask the engine for."""

import json
from typing import Any

import pytest

from providers.aws.serving.build import Serving
from providers.aws.serving.plan import plan_serving
from providers.aws.settings import AwsSpec
from tests.unit.providers.aws.mocks import Graph, register
from tests.unit.providers.aws.serving.test_serving_plan import BASE_MODEL, REAL_TIME, endpoint, front, tuned

BULK = {"kind": "asynchronous", "machineType": "ml.g5.xlarge", "maxCount": 4, "output": "s3://models/answers/"}
ALL: dict[str, Any] = {
    "endpoints": [
        endpoint(modelData="s3://models/chat.tar.gz", serve={**REAL_TIME, "maxCount": 3}),
        endpoint("tiny", serve={"kind": "serverless"}),
        endpoint("bulk", serve=BULK),
    ],
    "customModels": [tuned(trained=True)],
    "throughput": [{"name": "units", "model": "tuned"}],
    "globalAccelerators": [front(ports=[80, 443])],
}


def built(settings: dict[str, Any], *, preview: bool = False) -> Graph:
    plan = plan_serving(AwsSpec.model_validate_json(json.dumps(settings)), "aws-test")
    model = {"CustomModel": {"customModelArn": "arn:tuned"}}
    return register(lambda: Serving("serving", plan=plan), preview=preview, outputs=model)


def allowed(graph: Graph, name: str) -> dict[str, Any]:
    """Resource by action, of a role's own policy."""
    policy = json.loads(graph.named(name, "RolePolicy").inputs["policy"])
    return {action: statement["Resource"] for statement in policy["Statement"] for action in statement["Action"]}


def test_an_empty_plan_is_an_empty_component() -> None:
    assert [each.token for each in built({}).registrations] == ["penstock:aws:Serving"]


def test_an_endpoint_s_role_may_do_what_that_endpoint_needs_and_no_more() -> None:
    graph = built(ALL)
    chat, bulk = allowed(graph, "serving-chat-permissions"), allowed(graph, "serving-bulk-permissions")
    assert chat["s3:GetObject"] == "arn:aws:s3:::models/chat.tar.gz"
    assert chat["ecr:BatchGetImage"] == "arn:aws:ecr:us-east-2:123456789012:repository/team/serve"
    assert "s3:PutObject" not in chat
    assert bulk["s3:PutObject"] == "arn:aws:s3:::models/answers/*"
    assert "s3:GetObject" not in bulk
    everywhere = {action for action, resource in (chat | bulk).items() if resource == "*"}
    assert everywhere == {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}


def test_disks_and_answers_are_encrypted_with_a_key_that_rotates() -> None:
    graph = built(ALL)
    key = graph.one("aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"] is True
    chat, bulk, tiny = (
        graph.named(f"serving-{name}-configuration", "EndpointConfiguration").inputs
        for name in ("chat", "bulk", "tiny")
    )
    assert chat["kmsKeyArn"] == bulk["asyncInferenceConfig"]["outputConfig"]["kmsKeyId"] == bulk["kmsKeyArn"]
    assert "kmsKeyArn" not in tiny


def test_an_asynchronous_endpoint_sleeps_and_wakes() -> None:
    graph = built(ALL)
    target = graph.named("serving-bulk-machines", "Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (0, 4)
    assert target["resourceId"] == "endpoint/aws-test-bulk/variant/primary"
    alarm = graph.one("MetricAlarm")
    assert alarm.inputs["metricName"] == "HasBacklogWithoutCapacity"
    assert "serving-bulk-wake" in alarm.depends_on


def test_a_real_time_endpoint_grows_only_where_it_may() -> None:
    target = built(ALL).named("serving-chat-machines", "Target").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (1, 3)
    assert built({"endpoints": [endpoint()]}).of("Target") == []


def test_a_model_waits_for_what_its_role_may_do() -> None:
    graph = built(ALL)
    assert "serving-chat-permissions" in graph.named("serving-chat-model", "Model").depends_on
    assert (
        "serving-tuned-permissions"
        in graph.named("serving-tuned-model", "aws:bedrock/customModel:CustomModel").depends_on
    )


def test_throughput_comes_after_the_model_that_it_is_for() -> None:
    bought = built(ALL).one("ProvisionedModelThroughput")
    assert "serving-tuned-model" in bought.depends_on
    assert bought.inputs["modelArn"] == "arn:tuned"
    by_arn = built({"throughput": [{"name": "units", "model": BASE_MODEL}]}).one("ProvisionedModelThroughput")
    assert by_arn.inputs["modelArn"] == BASE_MODEL


def test_throughput_that_cannot_be_given_back_does_not_stop_a_destroy() -> None:
    units = {"name": "units", "model": BASE_MODEL}
    assert (
        built({"throughput": [{**units, "commitment": "OneMonth"}]}).one("ProvisionedModelThroughput").retain_on_delete
    )
    assert not built({"throughput": [units]}).one("ProvisionedModelThroughput").retain_on_delete


def test_an_accelerator_leads_each_port_to_the_load_balancer() -> None:
    graph = built(ALL)
    ranges = graph.one("Listener").inputs["portRanges"]
    assert [(each["fromPort"], each["toPort"]) for each in ranges] == [(80, 80), (443, 443)]
    group = graph.one("EndpointGroup").inputs
    assert group["endpointGroupRegion"] == "eu-west-1"
    assert group["endpointConfigurations"][0]["endpointId"] == front()["loadBalancerArn"]


@pytest.mark.parametrize("settings", [ALL, {}])
def test_a_preview_registers_the_same(settings: dict[str, Any]) -> None:
    real, foreseen = built(settings), built(settings, preview=True)
    assert {each.name for each in real.registrations} == {each.name for each in foreseen.registrations}
