"""EC2's launch templates, placement groups and capacity reservations."""

from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.aws.kinds.parts import api_form, arn, ec2_tags, tagged

GROUP = "aws:ec2/placementGroup:PlacementGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
RENAMED = {
    "securityGroups": "Groups",
    "vpcSecurityGroupIds": "SecurityGroupIds",
    "securityGroupNames": "SecurityGroups",
    "ipv4AddressCount": "SecondaryPrivateIpAddressCount",
    "ramDiskId": "RamDiskId",
    "hostResourceGroupArn": "HostResourceGroupArn",
}
NOT_OF_THE_MACHINE = frozenset(
    {"name", "namePrefix", "description", "tags", "updateDefaultVersion", "defaultVersion", "region", "__defaults"}
)


def _create_template(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "ec2", "CreateLaunchTemplate", LaunchTemplateName=inputs["name"], VersionDescription=inputs.get("description"),
        LaunchTemplateData=_machine(inputs), TagSpecifications=ec2_tags("launch-template", inputs),
    )["LaunchTemplate"]  # fmt: skip
    template_id = made["LaunchTemplateId"]
    return Made(
        id=template_id,
        outputs={"arn": arn(api, "ec2", f"launch-template/{template_id}"), "latestVersion": 1, "defaultVersion": 1},
    )


def _update_template(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    """A changed template is a new version of it; the old ones stay."""
    if _machine(old) == _machine(new) and old.get("description") == new.get("description"):
        return {}
    made = api.call(
        "ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=id, VersionDescription=new.get("description"),
        LaunchTemplateData=_machine(new),
    )["LaunchTemplateVersion"]  # fmt: skip
    version = made["VersionNumber"]
    if not new.get("updateDefaultVersion"):
        return {"latestVersion": version}
    api.call("ec2", "ModifyLaunchTemplate", LaunchTemplateId=id, DefaultVersion=str(version))
    return {"latestVersion": version, "defaultVersion": version}


def _delete_template(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteLaunchTemplate", LaunchTemplateId=id)


def _machine(inputs: Inputs) -> dict[str, Any]:
    computed = {"arn", "id", "latestVersion", "tagsAll"}
    parts = {name: part for name, part in inputs.items() if name not in NOT_OF_THE_MACHINE | computed}
    if isinstance(parts.get("tagSpecifications"), list):
        parts["tagSpecifications"] = [_with_tag_list(one) for one in parts["tagSpecifications"]]
    form: dict[str, Any] = api_form(parts, RENAMED)
    return form


def _with_tag_list(specification: Any) -> Any:
    tags = specification.get("tags") or {}
    return (
        specification
        if is_unknown(specification)
        else {**specification, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
    )


def _create_placement_group(api: CloudApi, inputs: Inputs) -> Made:
    group_id = api.new_id("pg")
    api.keep(
        "ec2", "CreatePlacementGroup", {}, GroupName=inputs["name"], Strategy=inputs.get("strategy"),
        PartitionCount=inputs.get("partitionCount"), SpreadLevel=inputs.get("spreadLevel"),
        TagSpecifications=ec2_tags("placement-group", inputs),
    )  # fmt: skip
    return Made(
        id=inputs["name"],
        outputs={"arn": arn(api, "ec2", f"placement-group/{inputs['name']}"), "placementGroupId": group_id},
    )


def _delete_placement_group(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("ec2", "DeletePlacementGroup", {}, GroupName=id)


def _create_reservation(api: CloudApi, inputs: Inputs) -> Made:
    reservation_id = api.new_id("cr")
    api.keep(
        "ec2", "CreateCapacityReservation", {}, InstanceType=inputs["instanceType"],
        InstancePlatform=inputs["instancePlatform"], InstanceCount=inputs["instanceCount"],
        AvailabilityZone=inputs.get("availabilityZone"), EbsOptimized=inputs.get("ebsOptimized"),
        EndDateType=inputs.get("endDateType"), EndDate=inputs.get("endDate"),
        InstanceMatchCriteria=inputs.get("instanceMatchCriteria"), PlacementGroupArn=inputs.get("placementGroupArn"),
        Tenancy=inputs.get("tenancy"), TagSpecifications=ec2_tags("capacity-reservation", inputs),
    )  # fmt: skip
    reservation_arn = arn(api, "ec2", f"capacity-reservation/{reservation_id}")
    return Made(id=reservation_id, outputs={"arn": reservation_arn, "ownerId": api.account_id})


def _update_reservation(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    api.keep(
        "ec2", "ModifyCapacityReservation", {}, CapacityReservationId=id, InstanceCount=new.get("instanceCount"),
        EndDate=new.get("endDate"), EndDateType=new.get("endDateType"),
    )  # fmt: skip
    return {}


def _delete_reservation(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep("ec2", "CancelCapacityReservation", {}, CapacityReservationId=id)


KINDS = (
    ResourceKind(
        token=TEMPLATE,
        create=_create_template,
        update=tagged(_update_template),
        delete=_delete_template,
        fixed=frozenset({"name", "namePrefix"}),
        own_name="name",
        longest_name=125,  # of 128, as pulumi-aws keeps room
    ),
    ResourceKind(
        token=GROUP,
        create=_create_placement_group,
        update=nothing_to_change,
        delete=_delete_placement_group,
        fixed=frozenset({"name", "strategy", "partitionCount", "spreadLevel"}),
        own_name="name",
    ),
    ResourceKind(
        token="aws:ec2/capacityReservation:CapacityReservation",
        create=_create_reservation,
        update=_update_reservation,
        delete=_delete_reservation,
        fixed=frozenset({"availabilityZone", "instanceType", "instancePlatform", "tenancy", "placementGroupArn"}),
    ),
)
