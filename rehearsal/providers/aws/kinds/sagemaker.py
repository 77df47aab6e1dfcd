"""SageMaker's serving side. moto has models; its list of machine types ends before ml.g5, so the rest is kept."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import tag_list

MODEL = "aws:sagemaker/model:Model"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"

_MODEL_NAMES = {"name": "ModelName"}
_ENVIRONMENTS = frozenset({"primaryContainer.environment", "containers.environment"})
_CONFIGURATION_NAMES = {
    "name": "EndpointConfigName",
    "kmsKeyArn": "KmsKeyId",
    "productionVariants.serverlessConfig.memorySizeInMb": "MemorySizeInMB",
    "productionVariants.volumeSizeInGb": "VolumeSizeInGB",
    "productionVariants.routingConfigs": "RoutingConfig",
    "productionVariants.enableSsmAccess": "EnableSSMAccess",
}
_ENDPOINT_NAMES = {"name": "EndpointName"}


def _create_model(api: CloudApi, inputs: Inputs) -> Made:
    request = pascal(inputs, _MODEL_NAMES, verbatim=_ENVIRONMENTS)
    made = api.call("sagemaker", "CreateModel", **request, Tags=tag_list(inputs))
    return Made(id=inputs["name"], outputs={"arn": made["ModelArn"]})


def _delete_model(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("sagemaker", "DeleteModel", ModelName=id)


def _create_configuration(api: CloudApi, inputs: Inputs) -> Made:
    request = pascal(inputs, _CONFIGURATION_NAMES)
    for variant in request["ProductionVariants"]:
        if "RoutingConfig" in variant:
            variant["RoutingConfig"] = variant["RoutingConfig"][0]  # a block that can stand once
    api.keep("sagemaker", "CreateEndpointConfig", {}, **request, Tags=tag_list(inputs))
    return Made(id=inputs["name"], outputs={"arn": _arn(api, "endpoint-config", inputs["name"])})


def _delete_configuration(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("sagemaker", "DeleteEndpointConfig", {}, EndpointConfigName=id)


def _create_endpoint(api: CloudApi, inputs: Inputs) -> Made:
    api.keep("sagemaker", "CreateEndpoint", {}, **pascal(inputs, _ENDPOINT_NAMES), Tags=tag_list(inputs))
    return Made(id=inputs["name"], outputs={"arn": _arn(api, "endpoint", inputs["name"])})


def _update_endpoint(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    api.keep("sagemaker", "UpdateEndpoint", {}, **pascal(new, _ENDPOINT_NAMES) | {"EndpointName": id})
    return {}


def _delete_endpoint(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("sagemaker", "DeleteEndpoint", {}, EndpointName=id)


def _arn(api: CloudApi, kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{api.region}:{api.account_id}:{kind}/{name.lower()}"


KINDS = (
    ResourceKind(token=MODEL, create=_create_model, delete=_delete_model, own_name="name", longest_name=63),
    ResourceKind(
        token=CONFIGURATION,
        create=_create_configuration,
        delete=_delete_configuration,
        refers={"productionVariants.modelName": MODEL},
        own_name="name",
        longest_name=63,
    ),
    ResourceKind(
        token=ENDPOINT,
        create=_create_endpoint,
        update=_update_endpoint,
        delete=_delete_endpoint,
        fixed=frozenset({"name"}),
        refers={"endpointConfigName": CONFIGURATION},
        own_name="name",
        longest_name=63,
        ready_after_min=lambda _inputs: 8,
        deleted_after_min=lambda _inputs: 1,
    ),
)
