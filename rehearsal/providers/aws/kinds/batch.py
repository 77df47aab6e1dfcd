"""AWS Batch: compute environments, queues, job definitions. moto executes all of it."""

import json
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import camel

ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"
QUEUE = "aws:batch/jobQueue:JobQueue"
JOB_DEFINITION = "aws:batch/jobDefinition:JobDefinition"

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

_EXCLUSIVE = (
    "Error executing request, Exception : Either compute environment Security Groups or Network Interfaces in Launch "
    "template are exclusively allowed"
)
_ENVIRONMENT_NAMES = {
    "name": "computeEnvironmentName",
    "computeResources.minVcpus": "minvCpus",
    "computeResources.maxVcpus": "maxvCpus",
    "computeResources.desiredVcpus": "desiredvCpus",
    "computeResources.ec2Configurations": "ec2Configuration",
}
_QUEUE_NAMES = {"name": "jobQueueName", "computeEnvironmentOrders": "computeEnvironmentOrder"}
_JOB_NAMES = {"name": "jobDefinitionName", "retryStrategy.evaluateOnExits": "evaluateOnExit"}


def _create_environment(api: CloudApi, inputs: Inputs) -> Made:
    request = camel(inputs, _ENVIRONMENT_NAMES)
    request.setdefault("serviceRole", _service_linked_role(api))
    request["computeResources"] = _with_groups(api, request["computeResources"])
    made = api.call("batch", "CreateComputeEnvironment", **request, tags=inputs.get("tags"))
    name = made["computeEnvironmentName"]
    outputs = {
        "arn": made["computeEnvironmentArn"],
        "ecsClusterArn": f"arn:aws:ecs:{api.region}:{api.account_id}:cluster/AWSBatch-{name}",
        "serviceRole": request["serviceRole"],
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
    }
    return Made(id=name, outputs=outputs)


def _with_groups(api: CloudApi, resources: dict[str, Any]) -> dict[str, Any]:
    """The security groups of the launch template's interfaces, which Batch takes in place of its own and moto misses.

    Batch refuses both at once. Source: aws/aws-cdk#21577.
    """
    name = (resources.get("launchTemplate") or {}).get("launchTemplateId")
    template = (api.find(TEMPLATE, name) if name else None) or {}
    groups = [group for one in template.get("networkInterfaces") or () for group in one.get("securityGroups") or ()]
    if groups and resources.get("securityGroupIds"):
        raise CloudApiError("ClientException", _EXCLUSIVE)
    return {**resources, "securityGroupIds": sorted(set(groups))} if groups else resources


def _service_linked_role(api: CloudApi) -> str:
    """Batch makes it by itself with an account's first environment, and it stays; moto asks for it by name."""
    try:
        found = api.call("iam", "GetRole", RoleName="AWSServiceRoleForbatch")  # moto writes the service's name small
    except CloudApiError:
        found = api.call("iam", "CreateServiceLinkedRole", AWSServiceName="batch.amazonaws.com")
    return str(found["Role"]["Arn"])


def _update_environment(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    request = camel(new, _ENVIRONMENT_NAMES)
    changing = {name: value for name, value in request.items() if name not in ("computeEnvironmentName", "type")}
    resources: dict[str, Any] = dict(changing.get("computeResources", {}))
    if resources.get("type") == old.get("computeResources", {}).get("type"):
        resources.pop("type", None)  # the provider sends it only where it changes
    if resources:
        changing["computeResources"] = resources
    api.call("batch", "UpdateComputeEnvironment", computeEnvironment=id, **changing)
    return {}


def _delete_environment(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("batch", "UpdateComputeEnvironment", computeEnvironment=id, state="DISABLED")
    api.call("batch", "DeleteComputeEnvironment", computeEnvironment=id)


def _create_queue(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call("batch", "CreateJobQueue", **camel(inputs, _QUEUE_NAMES), tags=inputs.get("tags"))
    return Made(id=made["jobQueueArn"], outputs={"arn": made["jobQueueArn"]})


def _update_queue(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    request = {name: value for name, value in camel(new, _QUEUE_NAMES).items() if name != "jobQueueName"}
    api.call("batch", "UpdateJobQueue", jobQueue=id, **request)
    return {}


def _delete_queue(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("batch", "UpdateJobQueue", jobQueue=id, state="DISABLED")
    api.call("batch", "DeleteJobQueue", jobQueue=id)


def _register(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call("batch", "RegisterJobDefinition", **_job_request(inputs))
    arn = made["jobDefinitionArn"]
    outputs = {"arn": arn, "arnPrefix": arn.rpartition(":")[0], "revision": made["revision"]}
    return Made(id=arn, outputs=outputs)


def _register_again(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    """A change is a new revision, and the old one goes."""
    made = api.call("batch", "RegisterJobDefinition", **_job_request(new))
    api.call("batch", "DeregisterJobDefinition", jobDefinition=id)
    return {"arn": made["jobDefinitionArn"], "revision": made["revision"]}


def _job_request(inputs: Inputs) -> dict[str, Any]:
    """Its documents are JSON inside of JSON: what stands in them is judged like the rest."""
    request = camel(inputs, _JOB_NAMES, verbatim=frozenset({"parameters"}))
    request.pop("deregisterOnNewRevision", None)  # says what the provider does, not AWS
    for document in ("nodeProperties", "containerProperties", "ecsProperties"):
        if isinstance(request.get(document), str):
            request[document] = json.loads(request[document])
    return request | {"tags": inputs.get("tags")}


def _deregister(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("batch", "DeregisterJobDefinition", jobDefinition=outputs["arn"])


KINDS = (
    ResourceKind(
        token=ENVIRONMENT,
        create=_create_environment,
        update=_update_environment,
        delete=_delete_environment,
        fixed=frozenset({"name", "namePrefix", "type", "eksConfiguration"}),
        refers={"computeResources.instanceRole": "aws:iam/instanceProfile:InstanceProfile"},
        own_name="name",
        longest_name=128,
        ready_after_min=lambda _inputs: 1,
        deleted_after_min=lambda _inputs: 2,
    ),
    ResourceKind(
        token=QUEUE,
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        fixed=frozenset({"name"}),
        refers={"computeEnvironmentOrders.computeEnvironment": ENVIRONMENT},
        own_name="name",
        longest_name=128,
        deleted_after_min=lambda _inputs: 1,
    ),
    ResourceKind(
        token=JOB_DEFINITION,
        create=_register,
        update=_register_again,
        delete=_deregister,
        fixed=frozenset({"name"}),
        own_name="name",
        longest_name=128,
    ),
)
