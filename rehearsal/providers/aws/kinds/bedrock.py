"""Bedrock. moto has customization jobs, and calls each done at once; it has no throughput, which is kept."""

from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import camel

CUSTOM_MODEL = "aws:bedrock/customModel:CustomModel"
THROUGHPUT = "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput"


def _train(api: CloudApi, inputs: Inputs) -> Made:
    tags = _tags(inputs)
    request = camel(inputs, {"hyperparameters": "hyperParameters"}, verbatim=frozenset({"hyperparameters"}))
    made = api.call("bedrock", "CreateModelCustomizationJob", **request, jobTags=tags, customModelTags=tags)
    job = api.call("bedrock", "GetModelCustomizationJob", jobIdentifier=inputs["jobName"])
    outputs = {"jobArn": made["jobArn"], "jobStatus": job["status"], "customModelArn": job["outputModelArn"]}
    return Made(id=made["jobArn"], outputs=outputs | {"trainingMetrics": [], "validationMetrics": []})


def _delete_model(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("bedrock", "DeleteCustomModel", modelIdentifier=outputs["customModelName"])


def _buy(api: CloudApi, inputs: Inputs) -> Made:
    request = camel(inputs, {"modelArn": "modelId"})
    api.keep("bedrock", "CreateProvisionedModelThroughput", {}, **request, tags=_tags(inputs))
    number = api.new_id("pmt").rpartition("-")[2][:12]
    arn = f"arn:aws:bedrock:{api.region}:{api.account_id}:provisioned-model/{number}"
    return Made(id=arn, outputs={"provisionedModelArn": arn})


def _give_back(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    commitment = outputs.get("commitmentDuration")
    if commitment:
        text = f"{id} has a commitment of {commitment} and cannot be deleted before its end"
        raise CloudApiError("ConflictException", text, operation="bedrock:DeleteProvisionedModelThroughput")
    api.keep("bedrock", "DeleteProvisionedModelThroughput", {}, provisionedModelId=id)


def _tags(inputs: Inputs) -> list[dict[str, Any]] | None:
    return [{"key": key, "value": value} for key, value in (inputs.get("tags") or {}).items()] or None


KINDS = (
    ResourceKind(token=CUSTOM_MODEL, create=_train, delete=_delete_model, refers={"roleArn": "aws:iam/role:Role"}),
    ResourceKind(token=THROUGHPUT, create=_buy, delete=_give_back, ready_after_min=lambda _inputs: 10),
)
