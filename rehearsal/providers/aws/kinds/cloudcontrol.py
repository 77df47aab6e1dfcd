"""Cloud Control: a resource type of CloudFormation, and the request of the service itself that its handler makes.

moto has neither Cloud Control nor PCS, and of HyperPod an older form that drops the orchestrator: all is kept.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import camel

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeHandler:
    """CloudFormation's handling of one type."""

    service: str
    create: str
    update: str
    delete: str
    request: Callable[[Document], dict[str, Any]]
    """The desired state as the service's own request has it."""
    update_request: Callable[[Document], dict[str, Any]]
    """The same of what can change, tags left out."""
    identity: Callable[[CloudApi, Document], dict[str, Any]]
    """The read-only properties of a new one. `Arn` or `ClusterArn` is its identifier."""
    locator: Callable[[Document], dict[str, Any]]
    """The members that name it in later requests, from its properties."""
    cannot_change: frozenset[str]
    """`createOnlyProperties` of the type's schema."""
    stays: Callable[[CloudApi, Document], None]
    """Resources that AWS makes along with it: they cannot be deleted before it."""
    ready_after_min: float


def _create(api: CloudApi, inputs: Inputs) -> Made:
    type_name, desired = inputs["typeName"], inputs["desiredState"]
    handler = _handler(type_name)
    api.keep("cloudcontrol", "CreateResource", {}, TypeName=type_name, DesiredState=desired)
    if is_unknown(desired):
        return Made(id="", outputs={"properties": ""})
    document = _document(desired)
    api.keep(handler.service, handler.create, {}, **handler.request(document))
    properties = {**document, **handler.identity(api, document)}
    handler.stays(api, properties)
    return Made(id=_arn(properties), outputs={"properties": json.dumps(properties, sort_keys=True)})


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    type_name, desired = new["typeName"], new["desiredState"]
    handler = _handler(type_name)
    patch = json.dumps([{"op": "replace", "path": "", "value": desired}])
    api.keep("cloudcontrol", "UpdateResource", {}, TypeName=type_name, Identifier=id, PatchDocument=patch)
    if is_unknown(desired) or is_unknown(old["properties"]):
        return {"properties": ""}
    before, document = json.loads(old["properties"]), _document(desired)
    _refuse_fixed(handler, before, document)
    changeable = {name: value for name, value in document.items() if name not in handler.cannot_change | {"Tags"}}
    api.keep(handler.service, handler.update, {}, **handler.update_request(changeable) | handler.locator(before))
    return {"properties": json.dumps({**before, **document}, sort_keys=True)}


def _delete(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    handler = _handler(outputs["typeName"])
    api.keep("cloudcontrol", "DeleteResource", {}, TypeName=outputs["typeName"], Identifier=id)
    api.keep(handler.service, handler.delete, {}, **handler.locator(json.loads(outputs["properties"])))


def _handler(type_name: str) -> TypeHandler:
    if type_name not in _HANDLERS:
        known = ", ".join(sorted(_HANDLERS))
        raise CloudApiError("TypeNotFoundException", f"the simulated Cloud Control has {known}, and not {type_name!r}")
    return _HANDLERS[type_name]


def _document(desired: str) -> dict[str, Any]:
    """Refuses what CloudFormation's schemas refuse: a property that is not spelt as they are, in capitals."""
    document: dict[str, Any] = json.loads(desired)
    small = sorted(name for name in _names(document) if not name[:1].isupper())
    if small:
        raise CloudApiError(
            "ValidationException", f"Model validation failed (#: extraneous key {small} is not permitted)"
        )
    return document


def _names(value: Any) -> Iterable[str]:
    match value:
        case Mapping():
            for name, part in value.items():
                yield name
                yield from () if name in _MAPS else _names(part)
        case list():
            for part in value:
                yield from _names(part)
        case _:
            pass


_MAPS = frozenset({"Tags", "Labels"})
"""Their keys are the user's."""


def _replaces(old: Inputs, new: Inputs) -> bool:
    """As pulumi-aws decides it: by the create-only properties of the type's schema."""
    states = old["desiredState"], new["desiredState"]
    if any(is_unknown(state) for state in states):
        return False
    before, after = (json.loads(state) for state in states)
    return any(before.get(name) != after.get(name) for name in _handler(new["typeName"]).cannot_change)


def _refuse_fixed(handler: TypeHandler, before: Document, after: Document) -> None:
    changed = sorted(name for name in handler.cannot_change if before.get(name) != after.get(name))
    if changed:
        paths = ", ".join(f"/properties/{name}" for name in changed)
        raise CloudApiError("NotUpdatableException", f"createOnlyProperties [{paths}] cannot be updated")


def _arn(properties: Document) -> str:
    return str(properties.get("Arn") or properties["ClusterArn"])


def _pcs_request(**renamed: str) -> Callable[[Document], dict[str, Any]]:
    def request(document: Document) -> dict[str, Any]:
        names = {"CustomLaunchTemplate.TemplateId": "id", "ClusterId": "clusterIdentifier", **renamed}
        return camel(document, names) | ({"tags": document["Tags"]} if "Tags" in document else {})

    return request


def _pcs_version_and_settings(document: Document) -> dict[str, Any]:
    """The update names the version alone: a cluster's scheduler cannot become another."""
    scheduler = {name: value for name, value in document["Scheduler"].items() if name != "Type"}
    return _pcs_request()({**document, "Scheduler": scheduler})


def _pcs_id(api: CloudApi) -> str:
    return f"pcs_{api.new_id('pcs').rpartition('-')[2][:10]}"


def _pcs_arn(api: CloudApi, *path: str) -> str:
    return f"arn:aws:pcs:{api.region}:{api.account_id}:{'/'.join(path)}"


def _pcs_cluster(api: CloudApi, _document: Document) -> dict[str, Any]:
    id_ = _pcs_id(api)
    endpoint = {"Type": "SLURMCTLD", "PrivateIpAddress": "10.0.0.10", "Port": "6817"}
    return {"Id": id_, "Arn": _pcs_arn(api, "cluster", id_), "Status": "ACTIVE", "Endpoints": [endpoint]}


def _pcs_part(kind: str) -> Callable[[CloudApi, Document], dict[str, Any]]:
    def identity(api: CloudApi, document: Document) -> dict[str, Any]:
        id_ = _pcs_id(api)
        arn = _pcs_arn(api, "cluster", document["ClusterId"], kind, id_)
        return {"Id": id_, "Arn": arn, "Status": "ACTIVE"}

    return identity


def _controller(api: CloudApi, properties: Document) -> None:
    networking = properties["Networking"]
    within = [*networking["SubnetIds"], *networking.get("SecurityGroupIds", ())]
    api.side_effect("network interface of the controller", api.new_id("eni"), blocks_deletion_of=within)


def _pcs_nodes(api: CloudApi, properties: Document) -> None:
    template = properties.get("CustomLaunchTemplate", {}).get("TemplateId")
    within = [*properties["SubnetIds"], *([template] if template else []), _cluster_of(properties)]
    api.side_effect(
        "instances", f"{_arn(properties)}/instances", blocks_deletion_of=[*within, properties["IamInstanceProfileArn"]]
    )


def _partition(api: CloudApi, properties: Document) -> None:
    cluster = _cluster_of(properties)
    asked = properties.get("ComputeNodeGroupConfigurations", ())
    groups = [f"{cluster}/computenodegroup/{one['ComputeNodeGroupId']}" for one in asked]
    api.side_effect("partition", f"{_arn(properties)}/partition", blocks_deletion_of=[cluster, *groups])


def _cluster_of(properties: Document) -> str:
    """The ARN of the cluster that the group or queue is part of."""
    return "/".join(_arn(properties).split("/")[:2])


def _hyper_pod(api: CloudApi, document: Document) -> dict[str, Any]:
    id_ = api.new_id("cluster").rpartition("-")[2][:12]
    arn = f"arn:aws:sagemaker:{api.region}:{api.account_id}:cluster/{id_}"
    return {"ClusterArn": arn, "ClusterStatus": "InService", "ClusterName": document.get("ClusterName", id_)}


def _hyper_pod_nodes(api: CloudApi, properties: Document) -> None:
    orchestrator = properties.get("Orchestrator", {}).get("Eks", {}).get("ClusterArn")
    if orchestrator:
        api.side_effect("membership of the cluster", f"{_arn(properties)}/eks", blocks_deletion_of=[orchestrator])
    for group in properties.get("InstanceGroups", ()):
        vpc = group.get("OverrideVpcConfig") or properties.get("VpcConfig") or {}
        within = [*vpc.get("Subnets", ()), *vpc.get("SecurityGroupIds", ()), group["ExecutionRole"]]
        name = f"{_arn(properties)}/{group['InstanceGroupName']}"
        api.side_effect("instances", name, blocks_deletion_of=within, count=group["InstanceCount"])


_HANDLERS: Mapping[str, TypeHandler] = {
    "AWS::PCS::Cluster": TypeHandler(
        service="pcs", create="CreateCluster", update="UpdateCluster", delete="DeleteCluster",
        request=_pcs_request(Name="clusterName"), update_request=_pcs_version_and_settings, identity=_pcs_cluster,
        locator=lambda properties: {"clusterIdentifier": properties["Id"]},
        cannot_change=frozenset({"Name", "Networking", "Size"}), stays=_controller, ready_after_min=12,
    ),
    "AWS::PCS::ComputeNodeGroup": TypeHandler(
        service="pcs", create="CreateComputeNodeGroup", update="UpdateComputeNodeGroup",
        delete="DeleteComputeNodeGroup",
        request=_pcs_request(Name="computeNodeGroupName"), update_request=_pcs_request(),
        identity=_pcs_part("computenodegroup"),
        locator=lambda properties: {
            "clusterIdentifier": properties["ClusterId"], "computeNodeGroupIdentifier": properties["Id"],
        },
        cannot_change=frozenset({"Name", "ClusterId", "InstanceConfigs"}), stays=_pcs_nodes, ready_after_min=5,
    ),
    "AWS::PCS::Queue": TypeHandler(
        service="pcs", create="CreateQueue", update="UpdateQueue", delete="DeleteQueue",
        request=_pcs_request(Name="queueName"), update_request=_pcs_request(), identity=_pcs_part("queue"),
        locator=lambda properties: {
            "clusterIdentifier": properties["ClusterId"], "queueIdentifier": properties["Id"],
        },
        cannot_change=frozenset({"Name", "ClusterId"}), stays=_partition, ready_after_min=1,
    ),
    "AWS::SageMaker::Cluster": TypeHandler(
        service="sagemaker", create="CreateCluster", update="UpdateCluster", delete="DeleteCluster",
        request=dict, update_request=dict, identity=_hyper_pod,
        locator=lambda properties: {"ClusterName": properties["ClusterName"]},
        cannot_change=frozenset({"ClusterName", "VpcConfig", "Orchestrator"}), stays=_hyper_pod_nodes,
        ready_after_min=20,
    ),
}  # fmt: skip


def _ready_after_min(inputs: Inputs) -> float:
    return _handler(inputs["typeName"]).ready_after_min


RESOURCE = "aws:cloudcontrol/resource:Resource"

KINDS = (
    ResourceKind(
        token=RESOURCE,
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset({"typeName", "typeVersionId", "roleArn"}),
        replaces=_replaces,
        ready_after_min=_ready_after_min,
        deleted_after_min=lambda _inputs: 5,
    ),
)
