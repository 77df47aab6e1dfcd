"""Dollars an hour of what is left in a simulated AWS account."""

from decimal import Decimal

from rehearsal.cloud.account import Account, Object
from rehearsal.providers.aws.capacity import demand

FREE_AT_REST = frozenset(
    {"Vpc", "Subnet", "RouteTable", "Route", "RouteTableAssociation", "InternetGateway", "SecurityGroup", "Role"}
    | {"SecurityGroupIngressRule", "SecurityGroupEgressRule", "DefaultSecurityGroup", "LaunchTemplate", "Alias"}
    | {"RolePolicy", "RolePolicyAttachment", "InstanceProfile", "PlacementGroup", "KeyPolicy", "AccessEntry", "Policy"}
)


def price(account: Account, thing: Object) -> Decimal | None:
    """Dollars an hour, None where no price is known."""
    from providers.aws.tables import PRICES

    word = thing.token.rpartition(":")[2]
    if word in FREE_AT_REST:
        return Decimal(0)
    if word == "VpcEndpoint":
        return PRICES["vpc"].usd_per_hour["interface_endpoint"] * len(thing.outputs.get("networkInterfaceIds", ()))
    fixed = {"NatGateway": "nat_gateway", "Eip": "public_address"}
    return PRICES["vpc"].usd_per_hour[fixed[word]] if word in fixed else _price_of_machines(account, thing)


def _price_of_machines(account: Account, thing: Object) -> Decimal | None:
    from providers.aws.catalog import machines

    asked = demand(account, thing.token, thing.inputs)
    machine = machines().get(asked.machine_types[0]) if asked and asked.machine_types else None
    running = asked.count - thing.missing if asked else 0
    return machine.usd_per_hour * running if machine and machine.usd_per_hour else None
