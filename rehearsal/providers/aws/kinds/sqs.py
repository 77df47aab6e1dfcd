"""SQS: queues and their policies."""

from typing import Any

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import arn, tag_change

QUEUE = "aws:sqs/queue:Queue"
# Attributes of a queue (SQS API Reference, CreateQueue) by the provider's names.
_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
}


def _create_queue(api: CloudApi, inputs: Inputs) -> Made:
    url = api.call(
        "sqs", "CreateQueue", QueueName=inputs["name"], Attributes=_attributes(inputs), tags=inputs.get("tags") or None
    )["QueueUrl"]  # fmt: skip
    return Made(id=url, outputs={"url": url, "arn": arn(api, "sqs", inputs["name"])})


def _attributes(inputs: Inputs) -> dict[str, str]:
    return {
        theirs: str(inputs[ours]).lower() if isinstance(inputs[ours], bool) else _number(inputs[ours])
        for ours, theirs in _ATTRIBUTES.items()
        if inputs.get(ours) is not None
    }


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _update_queue(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if _attributes(old) != _attributes(new):
        api.call("sqs", "SetQueueAttributes", QueueUrl=id, Attributes=_attributes(new))
    change = tag_change(old, new)
    if change.gone:
        api.call("sqs", "UntagQueue", QueueUrl=id, TagKeys=change.gone)
    if change.set:
        api.call("sqs", "TagQueue", QueueUrl=id, Tags={one["Key"]: one["Value"] for one in change.set})
    return {}


def _delete_queue(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("sqs", "DeleteQueue", QueueUrl=id)


def _set_policy(api: CloudApi, inputs: Inputs) -> Made:
    api.call("sqs", "SetQueueAttributes", QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]})
    return Made(id=inputs["queueUrl"], outputs={})


def _update_policy(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return _set_policy(api, new).outputs


def _delete_policy(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("sqs", "SetQueueAttributes", QueueUrl=id, Attributes={"Policy": ""})


KINDS = (
    ResourceKind(
        token=QUEUE,
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        fixed=frozenset({"name", "namePrefix", "fifoQueue"}),
        own_name="name",
        longest_name=80,
    ),
    ResourceKind(
        token="aws:sqs/queuePolicy:QueuePolicy",
        create=_set_policy,
        update=_update_policy,
        delete=_delete_policy,
        fixed=frozenset({"queueUrl"}),
        refers={"queueUrl": QUEUE},
    ),
)
