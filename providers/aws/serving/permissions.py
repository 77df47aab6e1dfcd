"""Rights of each role of the serving side, and nothing besides: policies in JSON."""

import json
from collections.abc import Mapping, Sequence

from providers.aws.serving.types import Asynchronous, CustomModelPlan, EndpointPlan

Statement = Mapping[str, object]


def trust(service: str) -> str:
    """Only `service` takes the role: `sagemaker.amazonaws.com`."""
    return _document([_allow(["sts:AssumeRole"], None) | {"Principal": {"Service": service}}])


def endpoint_permissions(plan: EndpointPlan, key_arn: str) -> str:
    """Pull the image, read the model, write answers, logs and metrics."""
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    write_logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    in_sagemaker = {"Condition": {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}}}
    partition = _partition(plan.repository_arn)
    log_group = f"arn:{partition}:logs:*:*:log-group:/aws/sagemaker/Endpoints/{plan.name}*"
    statements = [
        _allow(["ecr:GetAuthorizationToken"], "*"),
        _allow(pull, plan.repository_arn),
        _allow(
            write_logs,
            log_group,
        ),
        _allow(["cloudwatch:PutMetricData"], "*") | in_sagemaker,
        _allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], key_arn),
    ]
    if plan.model_data:
        statements.append(_allow(["s3:GetObject"], _objects(plan.model_data, partition)))
    if isinstance(plan.serve, Asynchronous):
        statements.append(_allow(["s3:AbortMultipartUpload", "s3:PutObject"], _below(plan.serve.output, partition)))
    return _document(statements)


def training_permissions(plan: CustomModelPlan, key_arn: str) -> str:
    """Read the data, write the job's results, encrypt the model."""
    partition = _partition(plan.base_model_arn)
    buckets = sorted({_bucket(uri, partition) for uri in (plan.training_data, plan.output)})
    encrypt = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    return _document(
        [
            _allow(["s3:ListBucket"], buckets),
            _allow(["s3:GetObject"], [_objects(plan.training_data, partition), _below(plan.training_data, partition)]),
            _allow(["s3:AbortMultipartUpload", "s3:PutObject"], _below(plan.output, partition)),
            _allow(encrypt, key_arn),
        ]
    )


def _allow(actions: Sequence[str], resource: str | Sequence[str] | None) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": "Allow", "Action": list(actions)}
    return statement if resource is None else statement | {"Resource": resource}


def _document(statements: Sequence[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def _partition(arn: str) -> str:
    return arn.split(":")[1]


def _objects(uri: str, partition: str) -> str:
    return f"arn:{partition}:s3:::{uri.removeprefix('s3://')}"


def _below(uri: str, partition: str) -> str:
    return f"{_objects(uri, partition).rstrip('/')}/*"


def _bucket(uri: str, partition: str) -> str:
    return f"arn:{partition}:s3:::{uri.removeprefix('s3://').partition('/')[0]}"
