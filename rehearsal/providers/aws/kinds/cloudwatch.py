"""CloudWatch Logs: log groups."""

import re

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind

GROUP = "aws:cloudwatch/logGroup:LogGroup"
OF_CLUSTERS = re.compile(r"/aws/eks/[^/]+/cluster")


def _create_group(api: CloudApi, inputs: Inputs) -> Made:
    name = inputs["name"]
    api.call(
        "logs", "CreateLogGroup", logGroupName=name, kmsKeyId=inputs.get("kmsKeyId"), tags=inputs.get("tags") or None,
        logGroupClass=inputs.get("logGroupClass"),
    )  # fmt: skip
    api.created(name)
    _set_retention(api, name, inputs)
    return Made(id=name, outputs={"arn": f"arn:aws:logs:{api.region}:{api.account_id}:log-group:{name}"})


def _update_group(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if old.get("retentionInDays") != new.get("retentionInDays"):
        _set_retention(api, id, new)
    if "kmsKeyId" in new and old.get("kmsKeyId") != new["kmsKeyId"]:
        api.call("logs", "AssociateKmsKey", logGroupName=id, kmsKeyId=new["kmsKeyId"])
    return {}


def _set_retention(api: CloudApi, name: str, inputs: Inputs) -> None:
    """0 days are for ever, which the API says with a request of its own."""
    if inputs.get("retentionInDays"):
        api.call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=inputs["retentionInDays"])
    elif "retentionInDays" in inputs:
        api.call("logs", "DeleteRetentionPolicy", logGroupName=name)


def _delete_group(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    if outputs.get("skipDestroy"):
        return
    written = OF_CLUSTERS.fullmatch(id) and api.call("logs", "DescribeLogStreams", logGroupName=id)["logStreams"]
    api.call("logs", "DeleteLogGroup", logGroupName=id)
    if written:
        # The last of a cluster's logs come after its end, by EKS's service-linked role, which makes the group that is
        # gone anew (terraform-aws-eks 2486, 2763). How late is published nowhere: here they come at once.
        api.call("logs", "CreateLogGroup", logGroupName=id)
        api.left_behind(GROUP.removeprefix("aws:"), id)


KINDS = (
    ResourceKind(
        token=GROUP,
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        fixed=frozenset({"name", "namePrefix", "logGroupClass"}),
        own_name="name",
        longest_name=512,
    ),
)
