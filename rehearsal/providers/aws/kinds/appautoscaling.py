"""Application Auto Scaling, and the alarms that wake what it has scaled to zero. moto executes all of it."""

from typing import Any

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import tag_list

TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

_SERVICE = "application-autoscaling"
_TARGET_NAMES = {"roleArn": "RoleARN"}


def _register(api: CloudApi, inputs: Inputs) -> Made:
    _refer_to_endpoint(api, inputs)
    made = api.call(
        _SERVICE, "RegisterScalableTarget", **pascal(inputs, {"roleArn": "RoleARN"}), Tags=inputs.get("tags")
    )
    return Made(id=inputs["resourceId"], outputs={"arn": made["ScalableTargetARN"]})


def _refer_to_endpoint(api: CloudApi, inputs: Inputs) -> None:
    """The endpoint's name stands inside of the resource's: it goes only after its scaling."""
    kind, _, rest = str(inputs["resourceId"]).partition("/")
    if kind == "endpoint":
        endpoint = f"arn:aws:sagemaker:{api.region}:{api.account_id}:endpoint/{rest.partition('/')[0].lower()}"
        api.side_effect("scaling", f"{inputs['resourceId']}/scaling", blocks_deletion_of=[endpoint])


def _register_again(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    made = api.call(_SERVICE, "RegisterScalableTarget", **pascal(new, _TARGET_NAMES))
    return {"arn": made["ScalableTargetARN"]}


def _deregister(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call(_SERVICE, "DeregisterScalableTarget", **_of_resource(outputs))


def _put_policy(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(_SERVICE, "PutScalingPolicy", **_policy_request(inputs))
    alarms = [alarm["AlarmARN"] for alarm in made.get("Alarms", ())]
    return Made(id=inputs["name"], outputs={"arn": made["PolicyARN"], "alarmArns": alarms})


def _put_policy_again(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return {"arn": api.call(_SERVICE, "PutScalingPolicy", **_policy_request(new))["PolicyARN"]}


def _policy_request(inputs: Inputs) -> dict[str, Any]:
    """Bounds of steps are text in pulumi-aws and numbers in the API."""
    request = pascal(inputs, {"name": "PolicyName"})
    steps = request.get("StepScalingPolicyConfiguration", {}).get("StepAdjustments", ())
    for step in steps:
        for bound in ("MetricIntervalLowerBound", "MetricIntervalUpperBound"):
            if isinstance(step.get(bound), str):
                step[bound] = float(step[bound])
    return request


def _delete_policy(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call(_SERVICE, "DeleteScalingPolicy", PolicyName=id, **_of_resource(outputs))


def _of_resource(outputs: Outputs) -> dict[str, Any]:
    names = ("serviceNamespace", "resourceId", "scalableDimension")
    return pascal({name: outputs[name] for name in names}, {})


def _put_alarm(api: CloudApi, inputs: Inputs) -> Made:
    request = pascal(
        inputs, {"name": "AlarmName", "insufficientDataActions": "InsufficientDataActions", "okActions": "OKActions"}
    )
    if "Dimensions" in request:
        request["Dimensions"] = [{"Name": name, "Value": value} for name, value in inputs["dimensions"].items()]
    api.call("cloudwatch", "PutMetricAlarm", **request, Tags=tag_list(inputs))
    arn = f"arn:aws:cloudwatch:{api.region}:{api.account_id}:alarm:{inputs['name']}"
    return Made(id=inputs["name"], outputs={"arn": arn})


def _put_alarm_again(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    return {"arn": _put_alarm(api, new).outputs["arn"]}


def _delete_alarm(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("cloudwatch", "DeleteAlarms", AlarmNames=[id])


_FIXED = frozenset({"serviceNamespace", "resourceId", "scalableDimension"})

KINDS = (
    ResourceKind(token=TARGET, create=_register, update=_register_again, delete=_deregister, fixed=_FIXED),
    ResourceKind(
        token=POLICY,
        create=_put_policy,
        update=_put_policy_again,
        delete=_delete_policy,
        fixed=_FIXED | {"name"},
        refers={"resourceId": TARGET},
        own_name="name",
    ),
    ResourceKind(
        token=ALARM,
        create=_put_alarm,
        update=_put_alarm_again,
        delete=_delete_alarm,
        fixed=frozenset({"name"}),
        refers={"alarmActions": POLICY},
        own_name="name",
    ),
)
