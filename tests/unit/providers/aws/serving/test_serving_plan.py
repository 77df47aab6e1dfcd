"""Serving that AWS alone has: decisions, and problems."""

import json
from typing import Any

import pytest
from botocore.session import get_session

from components.errors import SpecError
from providers.aws.sagemaker_machine_types import ENDPOINT_MACHINE_TYPES, HYPER_POD_MACHINE_TYPES
from providers.aws.serving.plan import bill, plan_serving
from providers.aws.serving.types import Asynchronous, RealTime, Serverless, ServingPlan
from providers.aws.settings import AwsSpec

IMAGE = "123456789012.dkr.ecr.us-east-2.amazonaws.com/team/serve:1.0"
BASE_MODEL = "arn:aws:bedrock:us-east-2::foundation-model/amazon.nova-lite-v1:0:300k"
LOAD_BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/serve/0123456789abcdef"
REAL_TIME = {"kind": "realTime", "machineType": "ml.g6.xlarge"}


def endpoint(name: str = "chat", **keys: Any) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, "serve": REAL_TIME, **keys}


def tuned(name: str = "tuned", **keys: Any) -> dict[str, Any]:
    data = {"trainingData": "s3://models/train.jsonl", "output": "s3://models/out/"}
    return {"name": name, "baseModel": BASE_MODEL, **data, **keys}


def front(name: str = "front", **keys: Any) -> dict[str, Any]:
    return {"name": name, "loadBalancerArn": LOAD_BALANCER, **keys}


def plan(**settings: Any) -> ServingPlan:

    return plan_serving(AwsSpec.model_validate_json(json.dumps(settings)), "aws-test")


def test_nothing_is_made_unless_asked() -> None:
    made = plan()
    assert [made.endpoints, made.custom_models, made.throughput, made.global_accelerators] == [()] * 4
    assert (bill(made, "us-east-2"), made.decisions) == ((), ())


def test_three_ways_to_serve() -> None:
    bulk = {"kind": "asynchronous", "machineType": "ml.g5.xlarge", "maxCount": 2, "output": "s3://models/answers/"}
    made = plan(
        endpoints=[endpoint(), endpoint("tiny", serve={"kind": "serverless"}), endpoint("bulk", serve=bulk)]
    ).endpoints
    real_time, serverless, asynchronous = (each.serve for each in made)
    assert isinstance(real_time, RealTime)
    assert (real_time.count, real_time.max_count) == (1, 1)
    assert isinstance(serverless, Serverless)
    assert isinstance(asynchronous, Asynchronous)
    assert asynchronous.max_count == 2
    assert made[0].repository_arn == "arn:aws:ecr:us-east-2:123456789012:repository/team/serve"


def test_another_image_is_another_revision_and_the_same_one_is_not() -> None:
    before, same, after = (plan(endpoints=[endpoint(image=IMAGE + end)]).endpoints[0] for end in ("", "", ".1"))
    assert before.revision == same.revision != after.revision
    assert before.name == after.name


def test_throughput_by_arn_and_of_a_model_that_the_stack_has_trained() -> None:
    units = [{"name": "given", "model": BASE_MODEL}, {"name": "own", "model": "tuned", "units": 2}]
    given, own = plan(customModels=[tuned(trained=True)], throughput=units).throughput
    assert (given.model_arn, given.custom_model) == (BASE_MODEL, None)
    assert (own.model_arn, own.custom_model, own.units) == (None, "tuned", 2)


def test_an_accelerator_s_endpoints_are_where_its_load_balancer_is() -> None:
    (made,) = plan(globalAccelerators=[front(ports=[80, 443])]).global_accelerators
    assert (made.region, made.ports) == ("eu-west-1", (80, 443))


def test_what_runs_by_the_hour_is_on_the_bill_without_a_price() -> None:
    serve = {"kind": "serverless", "provisionedConcurrency": 3}
    made = plan(
        endpoints=[endpoint(serve={**REAL_TIME, "count": 2}), endpoint("tiny", serve=serve)],
        throughput=[{"name": "given", "model": BASE_MODEL, "units": 4}],
        globalAccelerators=[front()],
    )
    lines = bill(made, "us-east-2")
    assert [line.count for line in lines] == [2, 3, 4, 1]
    assert {line.unit_usd_per_hour for line in lines} == {None}
    assert all("not in penstock's tables" in line.source for line in lines)


def test_what_was_left_open_is_said() -> None:
    bulk = {"kind": "asynchronous", "machineType": "ml.g5.xlarge", "output": "s3://models/answers/"}
    made = plan(
        endpoints=[
            endpoint(),
            endpoint("grows", serve={**REAL_TIME, "maxCount": 3}),
            endpoint("bulk", serve=bulk),
        ],
        throughput=[{"name": "given", "model": BASE_MODEL}],
    )
    assert [decision.path for decision in made.decisions] == [
        "aws.endpoints.chat.serve.maxCount",
        "aws.endpoints.grows.serve.scaling",
        "aws.endpoints.bulk.serve.minCount",
        "aws.throughput.given.commitment",
    ]


LONG = "n" * 40
REFUSALS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"endpoints": [endpoint(), endpoint()]}, "aws.endpoints.chat", ["2 entries", "'chat'", "of its own"]),
    ({"customModels": [tuned(), tuned()]}, "aws.customModels.tuned", ["2 entries"]),
    ({"globalAccelerators": [front(), front()]}, "aws.globalAccelerators.front", ["2 entries"]),
    ({"endpoints": [endpoint("a--b")]}, "aws.endpoints.a--b.name", ["two dashes"]),
    (
        {"endpoints": [endpoint(image="vllm/vllm-openai:latest")]},
        "aws.endpoints.chat.image",
        ["'vllm/vllm-openai:latest' is not an image in ECR", "dkr.ecr"],
    ),
    (
        {"endpoints": [endpoint(modelData="s3://models/chat/")]},
        "aws.endpoints.chat.modelData",
        ["'s3://models/chat/'", ".tar.gz"],
    ),
    (
        {"endpoints": [endpoint(serve={**REAL_TIME, "machineType": "ml.g6.xlarg"})]},
        "aws.endpoints.chat.serve.machineType",
        ["'ml.g6.xlarg'", "did you mean 'ml.g6.xlarge'?"],
    ),
    (
        {"endpoints": [endpoint(serve={"kind": "asynchronous", "machineType": "ml.q.q", "output": "s3://models/"})]},
        "aws.endpoints.chat.serve.machineType",
        ["'ml.q.q'", "SageMaker's list"],
    ),
    (
        {"endpoints": [endpoint(serve={**REAL_TIME, "count": 3, "maxCount": 2})]},
        "aws.endpoints.chat.serve.maxCount",
        ["2 is less than count 3", "give 3 or more"],
    ),
    (
        {"endpoints": [endpoint(serve={"kind": "serverless", "maxConcurrency": 2, "provisionedConcurrency": 3})]},
        "aws.endpoints.chat.serve.provisionedConcurrency",
        ["3 is more than maxConcurrency 2"],
    ),
    ({"customModels": [tuned(baseModel="nova")]}, "aws.customModels.tuned.baseModel", ["'nova'", "arn:aws:bedrock"]),
    (
        {"customModels": [tuned(trained=True)], "throughput": [{"name": "u", "model": "tunde"}]},
        "aws.throughput.u.model",
        ["'tunde'", "did you mean 'tuned'?"],
    ),
    (
        {"throughput": [{"name": "u", "model": "tuned"}]},
        "aws.throughput.u.model",
        ["'tuned'", "under aws.customModels"],
    ),
    (
        {"customModels": [tuned()], "throughput": [{"name": "u", "model": "tuned"}]},
        "aws.throughput.u.model",
        ["takes hours", "aws.customModels.tuned.trained", "--refresh"],
    ),
    ({"globalAccelerators": [front(ports=[80, 80])]}, "aws.globalAccelerators.front.ports", ["80 is given more than"]),
    (
        {"globalAccelerators": [front(ports=list(range(1, 12)))]},
        "aws.globalAccelerators.front.ports",
        ["11 ports", "1 to 10"],
    ),
    ({"globalAccelerators": [front(ports=[])]}, "aws.globalAccelerators.front.ports", ["0 ports"]),
]


@pytest.mark.parametrize(("settings", "path", "words"), REFUSALS)
def test_what_aws_would_refuse_is_refused_with_its_remedy(
    settings: dict[str, Any], path: str, words: list[str]
) -> None:
    with pytest.raises(SpecError) as raised:
        plan(**settings)
    found = {problem.path: problem.message for problem in raised.value.problems}
    assert list(found) == [path]
    for word in words:
        assert word in found[path]


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({"endpoints": [endpoint(LONG)]}, 54),
        ({"customModels": [tuned(LONG)]}, 54),
        ({"throughput": [{"name": LONG, "model": BASE_MODEL}]}, 54),
        ({"globalAccelerators": [front(LONG)]}, 64),
    ],
)
def test_names_over_aws_s_limits_are_refused(settings: dict[str, Any], longest: int) -> None:
    asked = AwsSpec.model_validate(settings, strict=False)
    assert plan_serving(asked, "s" * (longest - 41))
    with pytest.raises(SpecError, match=f"AWS takes {longest}"):
        plan_serving(asked, "s" * (longest - 40))


@pytest.mark.parametrize(
    ("ours", "shape"),
    [(ENDPOINT_MACHINE_TYPES, "ProductionVariantInstanceType"), (HYPER_POD_MACHINE_TYPES, "ClusterInstanceType")],
)
def test_machine_types_are_those_of_sagemaker_s_own_model(ours: frozenset[str], shape: str) -> None:
    model: Any = get_session().get_service_model("sagemaker").shape_for(shape)
    assert ours == set(model.enum)
