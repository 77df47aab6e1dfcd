"""EC2's network: VPCs and subnets."""

from typing import Any

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.parts import ec2_tags, tagged

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"


def _create_vpc(api: CloudApi, inputs: Inputs) -> Made:
    vpc = api.call(
        "ec2", "CreateVpc", CidrBlock=inputs.get("cidrBlock"), InstanceTenancy=inputs.get("instanceTenancy"),
        AmazonProvidedIpv6CidrBlock=inputs.get("assignGeneratedIpv6CidrBlock"),
        TagSpecifications=ec2_tags("vpc", inputs),
    )["Vpc"]  # fmt: skip
    vpc_id = vpc["VpcId"]
    api.created(vpc_id)
    _set_dns(api, vpc_id, inputs)
    within = [{"Name": "vpc-id", "Values": [vpc_id]}]
    group = api.call("ec2", "DescribeSecurityGroups", Filters=within)["SecurityGroups"][0]["GroupId"]
    table = api.call("ec2", "DescribeRouteTables", Filters=within)["RouteTables"][0]["RouteTableId"]
    access_list = api.call("ec2", "DescribeNetworkAcls", Filters=within)["NetworkAcls"][0]["NetworkAclId"]
    return Made(
        id=vpc_id,
        outputs={
            "arn": f"arn:aws:ec2:{api.region}:{api.account_id}:vpc/{vpc_id}",
            "defaultNetworkAclId": access_list,
            "defaultRouteTableId": table,
            "defaultSecurityGroupId": group,
            "dhcpOptionsId": vpc["DhcpOptionsId"],
            "enableDnsHostnames": inputs.get("enableDnsHostnames", False),
            "enableDnsSupport": inputs.get("enableDnsSupport", True),
            "instanceTenancy": vpc["InstanceTenancy"],
            "mainRouteTableId": table,
            "ownerId": api.account_id,
        },
    )


def _update_vpc(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    _set_dns(api, id, new)
    return {}


def _set_dns(api: CloudApi, vpc_id: str, inputs: Inputs) -> None:
    for name, attribute in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
        if name in inputs:
            value: dict[str, Any] = {attribute: {"Value": inputs[name]}}
            api.call("ec2", "ModifyVpcAttribute", VpcId=vpc_id, **value)


def _delete_vpc(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteVpc", VpcId=id)


def _create_subnet(api: CloudApi, inputs: Inputs) -> Made:
    subnet = api.call(
        "ec2", "CreateSubnet", VpcId=inputs["vpcId"], CidrBlock=inputs.get("cidrBlock"),
        AvailabilityZone=inputs.get("availabilityZone"), AvailabilityZoneId=inputs.get("availabilityZoneId"),
        TagSpecifications=ec2_tags("subnet", inputs),
    )["Subnet"]  # fmt: skip
    api.created(subnet["SubnetId"])
    _set_public_addresses(api, subnet["SubnetId"], inputs)
    return Made(
        id=subnet["SubnetId"],
        outputs={
            "arn": subnet["SubnetArn"],
            "availabilityZone": subnet["AvailabilityZone"],
            "availabilityZoneId": subnet["AvailabilityZoneId"],
            "mapPublicIpOnLaunch": inputs.get("mapPublicIpOnLaunch", False),
            "ownerId": api.account_id,
        },
    )


def _update_subnet(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    _set_public_addresses(api, id, new)
    return {}


def _set_public_addresses(api: CloudApi, subnet_id: str, inputs: Inputs) -> None:
    if "mapPublicIpOnLaunch" in inputs:
        value = {"Value": inputs["mapPublicIpOnLaunch"]}
        api.call("ec2", "ModifySubnetAttribute", SubnetId=subnet_id, MapPublicIpOnLaunch=value)


def _delete_subnet(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteSubnet", SubnetId=id)


KINDS = (
    ResourceKind(
        token=VPC,
        create=_create_vpc,
        update=tagged(_update_vpc),
        delete=_delete_vpc,
        fixed=frozenset({"cidrBlock", "instanceTenancy", "ipv4IpamPoolId", "ipv4NetmaskLength"}),
    ),
    ResourceKind(
        token=SUBNET,
        create=_create_subnet,
        update=tagged(_update_subnet),
        delete=_delete_subnet,
        fixed=frozenset({"vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "outpostArn"}),
        refers={"vpcId": VPC},
    ),
)
