"""EC2's security groups and their rules."""

from typing import Any

from rehearsal.cloud.kind import Answer, CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.aws.kinds.parts import arn, ec2_tags, tagged

VPC = "aws:ec2/vpc:Vpc"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


def _create_group(api: CloudApi, inputs: Inputs) -> Made:
    """AWS lets everything out of a new group; pulumi-aws takes that rule away again."""
    made = api.call(
        "ec2", "CreateSecurityGroup", GroupName=inputs["name"],
        Description=inputs.get("description", "Managed by Pulumi"), VpcId=inputs.get("vpcId"),
        TagSpecifications=ec2_tags("security-group", inputs),
    )  # fmt: skip
    group_id = made["GroupId"]
    api.created(group_id)
    api.call("ec2", "RevokeSecurityGroupEgress", GroupId=group_id, IpPermissions=[_everything()])
    _authorize(api, inputs, group_id)
    return Made(
        id=group_id,
        outputs={
            "arn": arn(api, "ec2", f"security-group/{group_id}"),
            "description": inputs.get("description", "Managed by Pulumi"),
            "ownerId": api.account_id,
        },
    )


def _authorize(api: CloudApi, inputs: Inputs, group_id: str) -> None:
    for direction, operation in (
        ("ingress", "AuthorizeSecurityGroupIngress"),
        ("egress", "AuthorizeSecurityGroupEgress"),
    ):
        if inputs.get(direction):
            permissions = [_inline(rule, group_id) for rule in inputs[direction]]
            api.call("ec2", operation, GroupId=group_id, IpPermissions=permissions)


def _delete_group(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteSecurityGroup", GroupId=id)


def _everything() -> dict[str, Any]:
    return {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _inline(rule: Answer, group_id: str) -> dict[str, Any]:
    pairs = [*(rule.get("securityGroups") or ()), *([group_id] if rule.get("self") else ())]
    return {
        "IpProtocol": rule.get("protocol"),
        "FromPort": rule.get("fromPort"),
        "ToPort": rule.get("toPort"),
        "IpRanges": [{"CidrIp": cidr} for cidr in rule.get("cidrBlocks") or ()] or None,
        "UserIdGroupPairs": [{"GroupId": pair} for pair in pairs] or None,
    }


def _adopt_default(api: CloudApi, inputs: Inputs) -> Made:
    """The group that came with the VPC, with the rules that are asked in place of those it has."""
    filters = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    group = api.call("ec2", "DescribeSecurityGroups", Filters=filters)["SecurityGroups"][0]
    group_id = group["GroupId"]
    for name, operation in (
        ("IpPermissions", "RevokeSecurityGroupIngress"),
        ("IpPermissionsEgress", "RevokeSecurityGroupEgress"),
    ):
        if group[name]:
            permissions = [_everything()] if name.endswith("Egress") else group[name]
            api.call("ec2", operation, GroupId=group_id, IpPermissions=permissions)
    _authorize(api, inputs, group_id)
    tags = [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]
    if tags:
        api.call("ec2", "CreateTags", Resources=[group_id], Tags=tags)
    return Made(
        id=group_id,
        outputs={
            "arn": arn(api, "ec2", f"security-group/{group_id}"),
            "description": "default VPC security group",
            "name": "default",
            "ownerId": api.account_id,
        },
    )


def _leave_default(_api: CloudApi, _id: str, _outputs: Outputs) -> None:
    """It goes with its VPC."""


def _create_rule(direction: str) -> Any:
    def create(api: CloudApi, inputs: Inputs) -> Made:
        made = api.call(
            "ec2", f"AuthorizeSecurityGroup{direction}", GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)], TagSpecifications=ec2_tags("security-group-rule", inputs),
        )  # fmt: skip
        rule_id = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        outputs = {"arn": arn(api, "ec2", f"security-group-rule/{rule_id}"), "securityGroupRuleId": rule_id}
        return Made(id=rule_id, outputs=outputs)

    return create


def _delete_rule(direction: str) -> Any:
    def delete(api: CloudApi, _id: str, outputs: Outputs) -> None:
        permission = {name: value for name, value in _permission(outputs).items() if value is not None}
        api.call(
            "ec2", f"RevokeSecurityGroup{direction}", GroupId=outputs["securityGroupId"], IpPermissions=[permission]
        )

    return delete


def _permission(inputs: Inputs) -> dict[str, Any]:
    description = inputs.get("description")
    cidr, cidr6 = inputs.get("cidrIpv4"), inputs.get("cidrIpv6")
    group, prefix_list = inputs.get("referencedSecurityGroupId"), inputs.get("prefixListId")
    return {
        "IpProtocol": inputs.get("ipProtocol"),
        "FromPort": inputs.get("fromPort"),
        "ToPort": inputs.get("toPort"),
        "IpRanges": [{"CidrIp": cidr, "Description": description}] if cidr else None,
        "Ipv6Ranges": [{"CidrIpv6": cidr6, "Description": description}] if cidr6 else None,
        "UserIdGroupPairs": [{"GroupId": group, "Description": description}] if group else None,
        "PrefixListIds": [{"PrefixListId": prefix_list, "Description": description}] if prefix_list else None,
    }


def _rule_kind(direction: str) -> ResourceKind:
    name = f"SecurityGroup{direction}Rule"
    return ResourceKind(
        token=f"aws:vpc/securityGroup{direction}Rule:{name}",
        create=_create_rule(direction),
        delete=_delete_rule(direction),
        refers={"securityGroupId": GROUP},
    )


KINDS = (
    ResourceKind(
        token=GROUP,
        create=_create_group,
        update=tagged(nothing_to_change),
        delete=_delete_group,
        fixed=frozenset({"name", "namePrefix", "description", "vpcId"}),
        refers={"vpcId": VPC},
        own_name="name",
    ),
    ResourceKind(
        token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        create=_adopt_default,
        update=tagged(nothing_to_change),
        delete=_leave_default,
        fixed=frozenset({"vpcId"}),
        refers={"vpcId": VPC},
    ),
    _rule_kind("Ingress"),
    _rule_kind("Egress"),
)
