"""Auto scaling groups of one's own, and what changes their size by the clock.

moto would make every instance of a group; here they are counted, so that a thousand cost no more than one.
"""

from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import api_form

GROUP = "aws:autoscaling/group:Group"
READY_MIN, GONE_MIN = 3.0, 4.0
RENAMED = {"id": "LaunchTemplateId", "name": "LaunchTemplateName"}


def _create_group(api: CloudApi, inputs: Inputs) -> Made:
    name = inputs["name"]
    api.keep(
        "autoscaling", "CreateAutoScalingGroup", {}, AutoScalingGroupName=name, Tags=_tags(inputs), **_members(inputs)
    )
    count = inputs.get("desiredCapacity", inputs["minSize"])
    if count and not is_unknown(count):
        api.side_effect(
            "instances",
            f"{name}-instances",
            blocks_deletion_of=list(inputs.get("vpcZoneIdentifiers") or ()),
            count=count,
        )
    number = api.new_id("asg").rpartition("-")[2]
    group_arn = (
        f"arn:aws:autoscaling:{api.region}:{api.account_id}:autoScalingGroup:{number}:autoScalingGroupName/{name}"
    )
    return Made(id=name, outputs={"arn": group_arn, "desiredCapacity": count})


def _update_group(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    """The provider starts a refresh where one is configured and the template has changed (aws.autoscaling.Group)."""
    members = _members(new)
    api.keep("autoscaling", "UpdateAutoScalingGroup", {}, AutoScalingGroupName=id, **members)
    refresh = new.get("instanceRefresh")
    if refresh and new.get("launchTemplate") != old.get("launchTemplate"):
        preferences = {_capital(key): value for key, value in (refresh.get("preferences") or {}).items()}
        if "InstanceWarmup" in preferences:
            preferences["InstanceWarmup"] = int(preferences["InstanceWarmup"])
        api.keep(
            "autoscaling", "StartInstanceRefresh", {}, AutoScalingGroupName=id, Strategy=refresh["strategy"],
            Preferences=preferences or None,
        )  # fmt: skip
    return {}


def _capital(key: str) -> str:
    return key[:1].upper() + key[1:]


def _delete_group(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep(
        "autoscaling", "DeleteAutoScalingGroup", {}, AutoScalingGroupName=id, ForceDelete=outputs.get("forceDelete")
    )


def _members(inputs: Inputs) -> dict[str, Any]:
    template, mixed = inputs.get("launchTemplate"), inputs.get("mixedInstancesPolicy")
    subnets = inputs.get("vpcZoneIdentifiers")
    return {
        "MinSize": inputs["minSize"],
        "MaxSize": inputs["maxSize"],
        "DesiredCapacity": inputs.get("desiredCapacity"),
        "DefaultCooldown": inputs.get("defaultCooldown"),
        "HealthCheckType": inputs.get("healthCheckType"),
        "HealthCheckGracePeriod": inputs.get("healthCheckGracePeriod"),
        "DefaultInstanceWarmup": inputs.get("defaultInstanceWarmup"),
        "NewInstancesProtectedFromScaleIn": inputs.get("protectFromScaleIn"),
        "CapacityRebalance": inputs.get("capacityRebalance"),
        "PlacementGroup": inputs.get("placementGroup"),
        "TerminationPolicies": inputs.get("terminationPolicies"),
        "MaxInstanceLifetime": inputs.get("maxInstanceLifetime"),
        "LaunchTemplate": api_form(template, RENAMED) if template else None,
        "MixedInstancesPolicy": _mixed(mixed) if mixed else None,
        "VPCZoneIdentifier": ",".join(subnets) if subnets else None,
        "AvailabilityZones": inputs.get("availabilityZones"),
        "CapacityReservationSpecification": api_form(inputs.get("capacityReservationSpecification")),
        "AvailabilityZoneDistribution": api_form(inputs.get("availabilityZoneDistribution")),
        "InstanceMaintenancePolicy": api_form(inputs.get("instanceMaintenancePolicy")),
    }


def _mixed(policy: Inputs) -> Any:
    return api_form(policy, {"launchTemplateSpecification": "LaunchTemplateSpecification"})


def _tags(inputs: Inputs) -> list[dict[str, Any]] | None:
    tags: list[dict[str, Any]] = [api_form(tag) for tag in inputs.get("tags") or ()]
    return tags or None


def _put_schedule(api: CloudApi, inputs: Inputs) -> Made:
    _send_schedule(api, inputs)
    name, group = inputs["scheduledActionName"], inputs["autoscalingGroupName"]
    number = api.new_id("sch").rpartition("-")[2]
    path = f"scheduledUpdateGroupAction:{number}:autoScalingGroupName/{group}:scheduledActionName/{name}"
    # The provider's own identifier is the name alone, which is unique within a group and not in an account.
    return Made(id=f"{group}/{name}", outputs={"arn": f"arn:aws:autoscaling:{api.region}:{api.account_id}:{path}"})


def _update_schedule(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    _send_schedule(api, new)
    return {}


def _send_schedule(api: CloudApi, inputs: Inputs) -> None:
    api.keep(
        "autoscaling", "PutScheduledUpdateGroupAction", {}, AutoScalingGroupName=inputs["autoscalingGroupName"],
        ScheduledActionName=inputs["scheduledActionName"], StartTime=inputs.get("startTime"),
        EndTime=inputs.get("endTime"), Recurrence=inputs.get("recurrence"), TimeZone=inputs.get("timeZone"),
        MinSize=inputs.get("minSize"), MaxSize=inputs.get("maxSize"), DesiredCapacity=inputs.get("desiredCapacity"),
    )  # fmt: skip


def _delete_schedule(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.keep(
        "autoscaling", "DeleteScheduledAction", {}, AutoScalingGroupName=outputs["autoscalingGroupName"],
        ScheduledActionName=outputs["scheduledActionName"],
    )  # fmt: skip


def _put_tag(api: CloudApi, inputs: Inputs) -> Made:
    api.keep("autoscaling", "CreateOrUpdateTags", {}, Tags=[_group_tag(inputs)])
    return Made(id=f"{inputs['autoscalingGroupName']},{inputs['tag']['key']}", outputs={})


def _update_tag(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    api.keep("autoscaling", "CreateOrUpdateTags", {}, Tags=[_group_tag(new)])
    return {}


def _delete_tag(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.keep("autoscaling", "DeleteTags", {}, Tags=[_group_tag(outputs)])


def _group_tag(inputs: Inputs) -> dict[str, Any]:
    tag = inputs["tag"]
    return {
        "ResourceId": inputs["autoscalingGroupName"],
        "ResourceType": "auto-scaling-group",
        "Key": tag["key"],
        "Value": tag["value"],
        "PropagateAtLaunch": api_form(tag["propagateAtLaunch"]),
    }


def _size(inputs: Inputs) -> int:
    return int(inputs.get("desiredCapacity", inputs["minSize"]))


KINDS = (
    ResourceKind(
        token=GROUP,
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        fixed=frozenset({"name", "namePrefix"}),
        refers={
            "vpcZoneIdentifiers": "aws:ec2/subnet:Subnet",
            "placementGroup": "aws:ec2/placementGroup:PlacementGroup",
            "launchTemplate.id": "aws:ec2/launchTemplate:LaunchTemplate",
        },
        own_name="name",
        ready_after_min=lambda inputs: READY_MIN if _size(inputs) else 0.0,
        deleted_after_min=lambda inputs: GONE_MIN if _size(inputs) else 0.0,
    ),
    ResourceKind(
        token="aws:autoscaling/schedule:Schedule",
        create=_put_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        fixed=frozenset({"autoscalingGroupName", "scheduledActionName"}),
        # EKS's own group has a schedule too, and is no resource of the program.
    ),
    ResourceKind(
        token="aws:autoscaling/tag:Tag",
        create=_put_tag,
        update=_update_tag,
        delete=_delete_tag,
        fixed=frozenset({"autoscalingGroupName"}),
        replaces=lambda old, new: old["tag"]["key"] != new["tag"]["key"],
    ),
)
