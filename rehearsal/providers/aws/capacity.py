"""Machines that a pool asks AWS for."""

from collections.abc import Mapping
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.kind import Inputs
from rehearsal.cloud.rules import Demand, Market

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
SCALING_GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
MARKETS = {
    "SPOT": Market.SPOT, "spot": Market.SPOT, "CAPACITY_BLOCK": Market.RESERVED, "capacity-block": Market.RESERVED,
}  # fmt: skip
"""By EKS's word or EC2's."""


def demand(account: Account, token: str, inputs: Inputs) -> Demand | None:
    """The machines that a pool asks for; None for what is no pool, or asks for nothing."""
    template = template_of(account, inputs)
    if token == NODE_GROUP:
        types = tuple(inputs.get("instanceTypes") or ()) or _type_of(template)
        market = inputs.get("capacityType") or _market_of(template)
        subnets, count = inputs["subnetIds"], inputs["scalingConfig"]["desiredSize"]
    elif token == SCALING_GROUP:
        mixed = (inputs.get("mixedInstancesPolicy") or {}).get("launchTemplate") or {}
        types = tuple(filter(None, (one.get("instanceType") for one in mixed.get("overrides") or ())))
        types, market = types or _type_of(template), _market_of(template)
        subnets = inputs.get("vpcZoneIdentifiers") or ()
        # A raised least size raises the size (Auto Scaling API reference, UpdateAutoScalingGroup).
        count = max(inputs.get("desiredCapacity", 0), inputs.get("minSize", 0))
    else:
        return None
    zones = tuple(dict.fromkeys(_zone(account, subnet) for subnet in subnets))
    if not count:
        return None
    market = MARKETS.get(market, Market.ON_DEMAND)
    return Demand(machine_types=types, zones=zones, count=int(count), market=market)


def template_of(account: Account, inputs: Inputs) -> Inputs:
    """The launch template that a group names; empty where it names none."""
    mixed = (inputs.get("mixedInstancesPolicy") or {}).get("launchTemplate") or {}
    reference = _by_sdk_names(mixed.get("launchTemplateSpecification")) or inputs.get("launchTemplate")
    name = (reference or {}).get("id") or (reference or {}).get("name")
    found = account.find(TEMPLATE, name) if name else None
    return found.inputs if found else {}


def _by_sdk_names(reference: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not reference:
        return None
    return {"id": reference.get("launchTemplateId"), "name": reference.get("launchTemplateName")}


def _type_of(template: Inputs) -> tuple[str, ...]:
    return (template["instanceType"],) if template.get("instanceType") else ()


def _market_of(template: Inputs) -> str:
    return str((template.get("instanceMarketOptions") or {}).get("marketType", ""))


def _zone(account: Account, subnet: str) -> str:
    found = account.find(SUBNET, subnet)
    return str(found.outputs.get("availabilityZone", "")) if found else ""
