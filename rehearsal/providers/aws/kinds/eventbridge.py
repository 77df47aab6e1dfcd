"""EventBridge: rules of the default bus, and where they send."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import arn, tag_change, tag_list

RULE = "aws:cloudwatch/eventRule:EventRule"


def _put_rule(api: CloudApi, inputs: Inputs) -> Made:
    api.call(
        "events", "PutRule", Name=inputs["name"], EventPattern=inputs.get("eventPattern"),
        ScheduleExpression=inputs.get("scheduleExpression"), Description=inputs.get("description"),
        State=inputs.get("state"), Tags=tag_list(inputs),
    )  # fmt: skip
    return Made(id=inputs["name"], outputs={"arn": arn(api, "events", f"rule/{inputs['name']}")})


def _update_rule(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    if any(old.get(key) != new.get(key) for key in ("eventPattern", "scheduleExpression", "description", "state")):
        api.call(
            "events", "PutRule", Name=id, EventPattern=new.get("eventPattern"),
            ScheduleExpression=new.get("scheduleExpression"), Description=new.get("description"),
            State=new.get("state"),
        )  # fmt: skip
    change = tag_change(old, new)
    if change.gone:
        api.call("events", "UntagResource", ResourceARN=old["arn"], TagKeys=change.gone)
    if change.set:
        api.call("events", "TagResource", ResourceARN=old["arn"], Tags=change.set)
    return {}


def _delete_rule(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("events", "DeleteRule", Name=id)


def _put_target(api: CloudApi, inputs: Inputs) -> Made:
    target = {"Id": inputs["targetId"], "Arn": inputs["arn"]}
    api.call("events", "PutTargets", Rule=inputs["rule"], Targets=[target])
    return Made(id=f"{inputs['rule']}-{inputs['targetId']}", outputs={})


def _update_target(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return _put_target(api, new).outputs


def _remove_target(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call("events", "RemoveTargets", Rule=outputs["rule"], Ids=[outputs["targetId"]])


KINDS = (
    ResourceKind(
        token=RULE,
        create=_put_rule,
        update=_update_rule,
        delete=_delete_rule,
        fixed=frozenset({"name", "namePrefix", "eventBusName"}),
        own_name="name",
        longest_name=64,
    ),
    ResourceKind(
        token="aws:cloudwatch/eventTarget:EventTarget",
        create=_put_target,
        update=_update_target,
        delete=_remove_target,
        fixed=frozenset({"rule", "targetId", "eventBusName"}),
        refers={"rule": RULE},
        own_name="targetId",
        longest_name=64,
    ),
)
