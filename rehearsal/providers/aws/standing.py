"""A network that stands in the simulated account before the stack, as the stack's file names it.

Made of what a platform team usually has: a VPC with DNS, subnets behind a NAT gateway, and groups that let themselves
in and out. A fault script may have any of it otherwise (`existing:`).
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any

from rehearsal.cloud.standing import StandingThing

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
GROUP, TABLE = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/routeTable:RouteTable"
ACL = "aws:ec2/networkAcl:NetworkAcl"
RANGE = IPv4Network("10.32.0.0/16")
EVERYWHERE = "0.0.0.0/0"
_ANYTHING: Mapping[str, Any] = {"protocol": "-1", "action": "allow", "ruleNo": 100, "cidrBlock": EVERYWHERE}
_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


def standing(config: Mapping[str, Any]) -> tuple[StandingThing, ...]:
    """The network under `cluster.network.existing` of the stack file; nothing where it names none."""
    given: Any = config.get("penstock:cluster")
    region = str(given.get("region", "")) if isinstance(given, Mapping) else ""
    for key in ("network", "existing"):
        given = given.get(key) if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(given.get("subnets"), Mapping):
        return ()
    vpc, places = str(given.get("vpc")), dict(_places(given["subnets"]))
    way_out = {"cidrBlock": EVERYWHERE, "natGatewayId": _made_up("nat", vpc)}
    groups = [str(one) for one in (given.get("securityGroups") or {}).values()]
    return (
        StandingThing(
            token=VPC, id=vpc, outputs={"region": region},
            inputs={"cidrBlock": str(RANGE), "enableDnsSupport": True, "enableDnsHostnames": True},
        ),
        *_subnets(vpc, places, region),
        StandingThing(
            token=TABLE, id=_made_up("rtb", vpc), outputs={"region": region},
            inputs={"vpcId": vpc, "subnetIds": list(places), "routes": [way_out]},
        ),
        StandingThing(
            token=ACL, id=_made_up("acl", vpc), outputs={"region": region},
            inputs={"vpcId": vpc, "subnetIds": list(places), "ingress": [_ANYTHING], "egress": [_ANYTHING]},
        ),
        *(
            StandingThing(
                token=GROUP, id=group, outputs={"region": region},
                inputs={
                    "vpcId": vpc, "name": group,
                    "ingress": [{"protocol": "-1", "self": True}],
                    "egress": [{"protocol": "-1", "self": True}, {"protocol": "-1", "cidrBlocks": [EVERYWHERE]}],
                },
            )
            for group in dict.fromkeys(groups)
        ),
    )  # fmt: skip


def _places(subnets: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Subnet and zone of each, in the file's order."""
    for zones in subnets.values():
        for zone, given in zones.items() if isinstance(zones, Mapping) else ():
            yield from ((str(one), str(zone)) for one in (given if isinstance(given, list) else [given]))


def _subnets(vpc: str, places: Mapping[str, str], region: str) -> Iterator[StandingThing]:
    """Equal parts of the VPC's range; the last one is left for a NAT gateway."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    ids = {one.name: one.zone_id for one in RegionsAndZonesBackend.zones.get(region, ())}
    parts = RANGE.subnets(new_prefix=RANGE.prefixlen + math.ceil(math.log2(len(places) + 1)))
    for (subnet, zone), cidr in zip(places.items(), parts, strict=False):
        names = {zone_id: name for name, zone_id in ids.items()}
        both = {"availabilityZone": names.get(zone, zone), "availabilityZoneId": ids.get(zone, zone)}
        yield StandingThing(
            token=SUBNET, id=subnet, outputs={"region": region},
            inputs={"vpcId": vpc, "cidrBlock": str(cidr), "mapPublicIpOnLaunch": False, **both},
        )  # fmt: skip


def _made_up(prefix: str, of: str) -> str:
    return f"{prefix}-{hashlib.sha256(f'{prefix} of {of}'.encode()).hexdigest()[:17]}"


def make(things: list[StandingThing], client: Any) -> None:
    """Makes the things in moto, by requests to EC2, under the ids that the stack file has."""
    by_type = {token: [one for one in things if one.token == token] for token in (VPC, SUBNET, GROUP, TABLE, ACL)}
    for one in by_type[VPC]:
        with _called("vpcs", "random_vpc_id", one.id):
            client.create_vpc(CidrBlock=one.inputs["cidrBlock"])
        for name, attribute in _ATTRIBUTES.items():
            client.modify_vpc_attribute(VpcId=one.id, **{attribute: {"Value": bool(one.inputs[name])}})
    for one in by_type[SUBNET]:
        asked = {"VpcId": one.inputs["vpcId"], "CidrBlock": one.inputs["cidrBlock"]}
        with _called("subnets", "random_subnet_id", one.id):
            client.create_subnet(AvailabilityZone=one.inputs["availabilityZone"], **asked)
        client.modify_subnet_attribute(
            SubnetId=one.id, MapPublicIpOnLaunch={"Value": one.inputs["mapPublicIpOnLaunch"]}
        )
        tags = [{"Key": key, "Value": value} for key, value in one.inputs.get("tags", {}).items()]
        if tags:
            client.create_tags(Resources=[one.id], Tags=tags)
    for one in by_type[TABLE]:
        _make_table(one, client)
    for one in by_type[ACL]:
        _make_access_list(one, client)
    for one in by_type[GROUP]:
        with _called("security_groups", "random_security_group_id", one.id):
            client.create_security_group(GroupName=one.inputs["name"], Description="theirs", VpcId=one.inputs["vpcId"])
        client.revoke_security_group_egress(
            GroupId=one.id, IpPermissions=[_permission(one.id, {"cidrBlocks": [EVERYWHERE]})]
        )
        for word, rules in (("ingress", one.inputs["ingress"]), ("egress", one.inputs["egress"])):
            if rules:
                grant = getattr(client, f"authorize_security_group_{word}")
                grant(GroupId=one.id, IpPermissions=[_permission(one.id, rule) for rule in rules])


def _make_table(one: StandingThing, client: Any) -> None:
    """The table and its routes; of a NAT gateway moto asks no more than an id."""
    with _called("route_tables", "random_route_table_id", one.id):
        client.create_route_table(VpcId=one.inputs["vpcId"])
    for subnet in one.inputs["subnetIds"]:
        client.associate_route_table(RouteTableId=one.id, SubnetId=subnet)
    for route in one.inputs["routes"]:
        target = {}
        if route.get("natGatewayId"):
            target = {"NatGatewayId": route["natGatewayId"]}
        if route.get("gatewayId"):
            with _called("internet_gateways", "random_internet_gateway_id", route["gatewayId"]):
                client.create_internet_gateway()
            client.attach_internet_gateway(InternetGatewayId=route["gatewayId"], VpcId=one.inputs["vpcId"])
            target = {"GatewayId": route["gatewayId"]}
        client.create_route(RouteTableId=one.id, DestinationCidrBlock=route["cidrBlock"], **target)


def _make_access_list(one: StandingThing, client: Any) -> None:
    with _called("network_acls", "random_network_acl_id", one.id):
        client.create_network_acl(VpcId=one.inputs["vpcId"])
    for egress, entries in ((False, one.inputs["ingress"]), (True, one.inputs["egress"])):
        for entry in entries:
            ports = {"PortRange": {"From": entry["fromPort"], "To": entry["toPort"]}} if "fromPort" in entry else {}
            client.create_network_acl_entry(
                NetworkAclId=one.id, Egress=egress, RuleNumber=entry["ruleNo"], Protocol=entry["protocol"],
                RuleAction=entry["action"], CidrBlock=entry["cidrBlock"], **ports,
            )  # fmt: skip
    lists = client.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [one.inputs["vpcId"]]}])["NetworkAcls"]
    for found in (each for acl in lists for each in acl["Associations"] if each["SubnetId"] in one.inputs["subnetIds"]):
        client.replace_network_acl_association(AssociationId=found["NetworkAclAssociationId"], NetworkAclId=one.id)


def _permission(group: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    ports = {key: rule[name] for key, name in (("FromPort", "fromPort"), ("ToPort", "toPort")) if name in rule}
    own = [{"GroupId": group}] if rule.get("self") else []
    return {
        "IpProtocol": rule.get("protocol", "-1"), "UserIdGroupPairs": own,
        "IpRanges": [{"CidrIp": cidr} for cidr in rule.get("cidrBlocks", ())], **ports,
    }  # fmt: skip


@contextmanager
def _called(module: str, function: str, id: str) -> Iterator[None]:  # noqa: A002 (AWS's own word)
    """moto gives the next thing of that type this id in place of one by chance."""
    from importlib import import_module

    where: Any = import_module(f"moto.ec2.models.{module}")
    by_chance = getattr(where, function)
    setattr(where, function, lambda: id)
    try:
        yield
    finally:
        setattr(where, function, by_chance)


def snapshot(things: list[StandingThing], client: Any) -> dict[str, Any]:
    """All that EC2 tells of the things, by id, but for how many addresses are in use."""
    told: dict[str, Any] = {}
    ids, networks = {one.id for one in things}, [one.id for one in things if one.token == VPC]
    for operation, key, name in (
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
    ):
        answer = getattr(client, operation)(Filters=[{"Name": "vpc-id", "Values": networks}])
        for found in (one for one in answer[key] if one[name] in ids):
            told[found[name]] = {what: value for what, value in found.items() if what != "AvailableIpAddressCount"}
    for one in things:
        if one.token == VPC and one.id in told:
            for attribute in _ATTRIBUTES:
                told[one.id][attribute] = client.describe_vpc_attribute(VpcId=one.id, Attribute=attribute)[
                    attribute[0].upper() + attribute[1:]
                ]
    return told
