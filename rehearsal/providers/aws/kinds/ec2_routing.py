"""EC2's ways in and out of a network: gateways, addresses, routes, endpoints, flow logs."""

from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.aws.kinds.parts import arn, ec2_tags, tagged

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE = "aws:ec2/routeTable:RouteTable"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
ADDRESS = "aws:ec2/eip:Eip"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
NAT_MIN, NAT_GONE_MIN, ENDPOINT_MIN = 2.0, 1.0, 2.0


def _create_gateway(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call("ec2", "CreateInternetGateway", TagSpecifications=ec2_tags("internet-gateway", inputs))
    gateway_id = made["InternetGateway"]["InternetGatewayId"]
    api.created(gateway_id)
    if "vpcId" in inputs:
        api.call("ec2", "AttachInternetGateway", InternetGatewayId=gateway_id, VpcId=inputs["vpcId"])
    return Made(
        id=gateway_id,
        outputs={"arn": arn(api, "ec2", f"internet-gateway/{gateway_id}"), "ownerId": api.account_id},
    )


def _delete_gateway(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    """A gateway that was never attached, its creation having stopped halfway, is not detached."""
    (gateway,) = api.call("ec2", "DescribeInternetGateways", InternetGatewayIds=[id])["InternetGateways"]
    for attached in gateway.get("Attachments", []):
        api.call("ec2", "DetachInternetGateway", InternetGatewayId=id, VpcId=attached["VpcId"])
    api.call("ec2", "DeleteInternetGateway", InternetGatewayId=id)


def _create_table(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call("ec2", "CreateRouteTable", VpcId=inputs["vpcId"], TagSpecifications=ec2_tags("route-table", inputs))
    table_id = made["RouteTable"]["RouteTableId"]
    outputs = {"arn": arn(api, "ec2", f"route-table/{table_id}"), "ownerId": api.account_id}
    return Made(id=table_id, outputs=outputs)


def _delete_table(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteRouteTable", RouteTableId=id)


def _create_route(api: CloudApi, inputs: Inputs) -> Made:
    destination = inputs.get("destinationCidrBlock") or inputs.get("destinationIpv6CidrBlock") or ""
    api.call(
        "ec2", "CreateRoute", RouteTableId=inputs["routeTableId"],
        DestinationCidrBlock=inputs.get("destinationCidrBlock"),
        DestinationIpv6CidrBlock=inputs.get("destinationIpv6CidrBlock"),
        GatewayId=inputs.get("gatewayId"), NatGatewayId=inputs.get("natGatewayId"),
    )  # fmt: skip
    return Made(
        id=f"r-{inputs['routeTableId']}{destination.replace('/', '-')}",
        outputs={"origin": "CreateRoute", "state": "active"},
    )


def _update_route(api: CloudApi, _id: str, _old: Outputs, new: Inputs) -> Outputs:
    api.call(
        "ec2", "ReplaceRoute", RouteTableId=new["routeTableId"], DestinationCidrBlock=new.get("destinationCidrBlock"),
        DestinationIpv6CidrBlock=new.get("destinationIpv6CidrBlock"),
        GatewayId=new.get("gatewayId"), NatGatewayId=new.get("natGatewayId"),
    )  # fmt: skip
    return {}


def _delete_route(api: CloudApi, _id: str, outputs: Outputs) -> None:
    api.call(
        "ec2", "DeleteRoute", RouteTableId=outputs["routeTableId"],
        DestinationCidrBlock=outputs.get("destinationCidrBlock"),
        DestinationIpv6CidrBlock=outputs.get("destinationIpv6CidrBlock"),
    )  # fmt: skip


def _create_association(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "ec2", "AssociateRouteTable", RouteTableId=inputs["routeTableId"], SubnetId=inputs.get("subnetId"),
        GatewayId=inputs.get("gatewayId"),
    )  # fmt: skip
    return Made(id=made["AssociationId"], outputs={})


def _delete_association(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DisassociateRouteTable", AssociationId=id)


def _create_address(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "ec2", "AllocateAddress", Domain=inputs.get("domain"), TagSpecifications=ec2_tags("elastic-ip", inputs)
    )
    allocation_id = made["AllocationId"]
    return Made(
        id=allocation_id,
        outputs={
            "allocationId": allocation_id,
            "arn": arn(api, "ec2", f"elastic-ip/{allocation_id}"),
            "publicIp": made["PublicIp"],
        },
    )


def _delete_address(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "ReleaseAddress", AllocationId=id)


def _create_nat(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "ec2", "CreateNatGateway", SubnetId=inputs.get("subnetId"), AllocationId=inputs.get("allocationId"),
        ConnectivityType=inputs.get("connectivityType"), TagSpecifications=ec2_tags("natgateway", inputs),
    )["NatGateway"]  # fmt: skip
    interface_id = api.new_id("eni")
    api.side_effect("network interface", interface_id, blocks_deletion_of=[inputs["subnetId"]])
    address = api.find(ADDRESS, str(inputs.get("allocationId"))) or {}
    outputs = {"networkInterfaceId": interface_id, "publicIp": address.get("publicIp", "")}
    return Made(id=made["NatGatewayId"], outputs=outputs)


def _delete_nat(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteNatGateway", NatGatewayId=id)


def _create_endpoint(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call(
        "ec2", "CreateVpcEndpoint", VpcId=inputs["vpcId"], ServiceName=inputs.get("serviceName"),
        VpcEndpointType=inputs.get("vpcEndpointType"), RouteTableIds=inputs.get("routeTableIds"),
        SubnetIds=inputs.get("subnetIds"), SecurityGroupIds=inputs.get("securityGroupIds"),
        PrivateDnsEnabled=inputs.get("privateDnsEnabled"), PolicyDocument=inputs.get("policy"),
        TagSpecifications=ec2_tags("vpc-endpoint", inputs),
    )["VpcEndpoint"]  # fmt: skip
    interfaces = []
    for subnet in inputs.get("subnetIds") or ():
        interfaces.append(api.new_id("eni"))
        api.side_effect(
            "network interface", interfaces[-1], blocks_deletion_of=[subnet, *inputs.get("securityGroupIds", ())]
        )
    endpoint_id = made["VpcEndpointId"]
    return Made(
        id=endpoint_id,
        outputs={
            "arn": arn(api, "ec2", f"vpc-endpoint/{endpoint_id}"),
            "networkInterfaceIds": interfaces,
            "ownerId": api.account_id,
            "state": "available",
        },
    )


def _update_endpoint(api: CloudApi, id: str, old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    changes: dict[str, list[str] | None] = {}
    for name, word in (("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds")):
        before, after = set(old.get(name) or ()), set(new.get(name) or ())
        changes |= {f"Add{word}": sorted(after - before) or None, f"Remove{word}": sorted(before - after) or None}
    if any(changes.values()):
        api.call("ec2", "ModifyVpcEndpoint", VpcEndpointId=id, **changes)
    return {}


def _delete_endpoint(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    if outputs.get("vpcEndpointType") == "Gateway" and not _has_prefix_list(api, outputs["serviceName"]):
        # moto makes no routes for such a service (s3express), and then fails to find them.
        api.keep("ec2", "DeleteVpcEndpoints", {}, VpcEndpointIds=[id])
    else:
        api.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[id])


def _has_prefix_list(api: CloudApi, service: str) -> bool:
    lists = api.call("ec2", "DescribeManagedPrefixLists")["PrefixLists"]
    return any(found["PrefixListName"] == service for found in lists)


def _create_flow_log(api: CloudApi, inputs: Inputs) -> Made:
    subject = next((name for name in ("vpcId", "subnetId", "eniId") if name in inputs), "vpcId")
    word = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}[subject]
    made = api.call(
        "ec2", "CreateFlowLogs", ResourceIds=[inputs[subject]], ResourceType=word,
        TrafficType=inputs.get("trafficType"), LogDestinationType=inputs.get("logDestinationType"),
        LogDestination=inputs.get("logDestination"), DeliverLogsPermissionArn=inputs.get("iamRoleArn"),
        MaxAggregationInterval=inputs.get("maxAggregationInterval"), LogFormat=inputs.get("logFormat"),
        TagSpecifications=ec2_tags("vpc-flow-log", inputs),
    )  # fmt: skip
    log_id = made["FlowLogIds"][0]
    return Made(id=log_id, outputs={"arn": arn(api, "ec2", f"vpc-flow-log/{log_id}")})


def _delete_flow_log(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DeleteFlowLogs", FlowLogIds=[id])


def _create_range(api: CloudApi, inputs: Inputs) -> Made:
    made = api.call("ec2", "AssociateVpcCidrBlock", VpcId=inputs["vpcId"], CidrBlock=inputs.get("cidrBlock"))
    return Made(id=made["CidrBlockAssociation"]["AssociationId"], outputs={})


def _delete_range(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.call("ec2", "DisassociateVpcCidrBlock", AssociationId=id)


_tags_only = tagged(nothing_to_change)
_DESTINATION = frozenset({"routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"})

KINDS = (
    ResourceKind(
        token=GATEWAY,
        create=_create_gateway,
        update=_tags_only,
        delete=_delete_gateway,
        fixed=frozenset({"vpcId"}),
        refers={"vpcId": VPC},
    ),
    ResourceKind(
        token=TABLE,
        create=_create_table,
        update=_tags_only,
        delete=_delete_table,
        fixed=frozenset({"vpcId"}),
        refers={"vpcId": VPC},
    ),
    ResourceKind(
        token="aws:ec2/route:Route",
        create=_create_route,
        update=_update_route,
        delete=_delete_route,
        fixed=_DESTINATION,
        refers={"routeTableId": TABLE, "natGatewayId": NAT, "gatewayId": GATEWAY},
    ),
    ResourceKind(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        create=_create_association,
        delete=_delete_association,
        refers={"routeTableId": TABLE, "subnetId": SUBNET},
    ),
    ResourceKind(
        token=ADDRESS, create=_create_address, update=_tags_only, delete=_delete_address, fixed=frozenset({"domain"})
    ),
    ResourceKind(
        token=NAT,
        create=_create_nat,
        update=_tags_only,
        delete=_delete_nat,
        fixed=frozenset({"subnetId", "allocationId", "connectivityType"}),
        refers={"subnetId": SUBNET, "allocationId": ADDRESS},
        ready_after_min=lambda _: NAT_MIN,
        deleted_after_min=lambda _: NAT_GONE_MIN,
    ),
    ResourceKind(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        create=_create_endpoint,
        update=tagged(_update_endpoint),
        delete=_delete_endpoint,
        fixed=frozenset({"vpcId", "serviceName", "vpcEndpointType"}),
        refers={"vpcId": VPC, "subnetIds": SUBNET, "routeTableIds": TABLE, "securityGroupIds": GROUP},
        ready_after_min=lambda inputs: ENDPOINT_MIN if inputs.get("vpcEndpointType") == "Interface" else 0.0,
    ),
    ResourceKind(
        token="aws:ec2/flowLog:FlowLog",
        create=_create_flow_log,
        update=_tags_only,
        delete=_delete_flow_log,
        fixed=frozenset({"vpcId", "subnetId", "trafficType", "logDestination", "logDestinationType", "iamRoleArn"}),
        refers={"vpcId": VPC},
    ),
    ResourceKind(
        token="aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
        create=_create_range,
        delete=_delete_range,
        refers={"vpcId": VPC},
    ),
)
