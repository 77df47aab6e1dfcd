"""The machines that a pool asks AWS for, and those that run: what capacity and quotas are counted from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.kind import Inputs

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
SCALING_GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
BLOCK = "capacity-block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`count` machines of the first of these types that is to be had, in these zones."""

    machine_types: tuple[str, ...]
    zones: tuple[str, ...]
    count: int
    market: str
    """"" for on demand, `spot`, `capacity-block`."""


def asked(account: Account, token: str, inputs: Inputs) -> Asked | None:
    """What a pool asks for; None for what is no pool, or asks for nothing."""
    template = template_of(account, inputs)
    if token == NODE_GROUP:
        types = tuple(inputs.get("instanceTypes") or ()) or _type_of(template)
        market = _market(inputs.get("capacityType") or _market_of(template))
        subnets, count = inputs["subnetIds"], inputs["scalingConfig"]["desiredSize"]
    elif token == SCALING_GROUP:
        mixed = (inputs.get("mixedInstancesPolicy") or {}).get("launchTemplate") or {}
        types = tuple(filter(None, (one.get("instanceType") for one in mixed.get("overrides") or ())))
        types, market = types or _type_of(template), _market(_market_of(template))
        subnets = inputs.get("vpcZoneIdentifiers") or ()
        count = inputs.get("desiredCapacity", inputs["minSize"])
    else:
        return None
    zones = tuple(dict.fromkeys(_zone(account, subnet) for subnet in subnets))
    return Asked(machine_types=types, zones=zones, count=int(count), market=market) if count else None


def running(account: Account) -> Iterator[Asked]:
    """Those of every pool in the account."""
    for thing in account.objects():
        if found := asked(account, thing.token, thing.inputs):
            yield found


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


def _market(word: str) -> str:
    return {"SPOT": "spot", "CAPACITY_BLOCK": BLOCK, "ON_DEMAND": ""}.get(word, word)


def _zone(account: Account, subnet: str) -> str:
    found = account.find(SUBNET, subnet)
    return str(found.outputs.get("availabilityZone", "")) if found else ""
