"""Amazon Managed Service for Prometheus: workspaces."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import tag_change


def _create(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "amp", "CreateWorkspace", alias=inputs.get("alias"), kmsKeyArn=inputs.get("kmsKeyArn"),
        tags=inputs.get("tags") or None,
    )  # fmt: skip
    workspace = made["workspaceId"]
    api.created(workspace)
    endpoint = f"https://aps-workspaces.{api.region}.amazonaws.com/workspaces/{workspace}/"
    return Made(id=workspace, outputs={"arn": made["arn"], "prometheusEndpoint": endpoint})


def _update(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    change = tag_change(old, new)
    if change.gone:
        api.call("amp", "UntagResource", resourceArn=old["arn"], tagKeys=change.gone)
    if change.set:
        tags = {one["Key"]: one["Value"] for one in change.set}
        api.call("amp", "TagResource", resourceArn=old["arn"], tags=tags)
    if new.get("alias") != old.get("alias"):
        api.call("amp", "UpdateWorkspaceAlias", workspaceId=id, alias=new.get("alias"))
    return {}


def _delete(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("amp", "DeleteWorkspace", workspaceId=id)


KINDS = (
    ResourceKind(
        token="aws:amp/workspace:Workspace",
        create=_create,
        update=_update,
        delete=_delete,
        fixed=frozenset({"kmsKeyArn"}),
        refers={"kmsKeyArn": "aws:kms/key:Key"},
    ),
)
