"""Networks, their subnets, and what stands in them."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Outputs
from rehearsal.providers.azure.arm import NETWORK_PATIENCE_MIN, ArmType
from rehearsal.providers.azure.names import (
    ADDRESS,
    CLUSTER,
    LUSTRE,
    NAT,
    NETAPP_VOLUME,
    NETWORK,
    POOL,
    PRIVATE_ENDPOINT,
    SECURITY_GROUP,
    SUBNET,
    ZONE,
    ZONE_LINK,
    last,
    parent,
)
from rehearsal.providers.azure.words import in_use

LEAST_PREFIX = 29
USERS = (CLUSTER, POOL, LUSTRE, NETAPP_VOLUME, PRIVATE_ENDPOINT)
"""Types of which a resource holds addresses of a subnet."""


def ranges_of(subnet: Mapping[str, Any]) -> list[str]:
    return [one for one in (subnet.get("addressPrefix"), *(subnet.get("addressPrefixes") or ())) if one]


def _known(texts: Any) -> list[IPv4Network]:
    return [IPv4Network(one) for one in texts or () if not is_unknown(one) and ":" not in str(one)]


def _subnet_problems(name: str, subnet: Mapping[str, Any], spaces: list[IPv4Network]) -> Iterator[CloudApiError]:
    for text in ranges_of(subnet):
        if is_unknown(text):
            continue
        try:
            own = ip_network(text)
        except ValueError:
            yield CloudApiError(
                "InvalidCIDRNotation", f"The address prefix {text} in resource {name} has an invalid CIDR."
            )
            continue
        if spaces and not any(own.subnet_of(one) for one in spaces if isinstance(own, IPv4Network)):
            message = f"Subnet '{name}' is not valid because its IP address range is outside the IP address range"
            yield CloudApiError("NetcfgSubnetRangeOutsideVnet", f"{message} of virtual network.")
        if own.prefixlen > LEAST_PREFIX:
            yield CloudApiError("NetcfgInvalidSubnet", f"Subnet '{name}' is smaller than /{LEAST_PREFIX}.")
    for one in subnet.get("delegations") or ():
        if not one.get("name") or not one.get("serviceName"):
            yield CloudApiError("InvalidRequestFormat", f"A delegation of subnet '{name}' needs name and serviceName.")


def _refuse_network(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    spaces = _known((inputs.get("addressSpace") or {}).get("addressPrefixes"))
    subnets = [one for one in inputs.get("subnets") or () if not is_unknown(one)]
    for one in subnets:
        if one.get("name") is None:
            yield CloudApiError("InvalidRequestFormat", "A subnet of the virtual network has no name.")
        yield from _subnet_problems(str(one.get("name")), one, spaces)
    taken: list[tuple[str, IPv4Network]] = []
    for one in subnets:
        for own in _known(text for text in ranges_of(one) if _is_range(text)):
            for name, other in taken:
                if own.overlaps(other):
                    message = f"Subnet '{one.get('name')}' is not valid because its IP address range overlaps with that"
                    yield CloudApiError("NetcfgInvalidSubnet", f"{message} of subnet '{name}'.")
            taken.append((str(one.get("name")), own))


def _is_range(text: Any) -> bool:
    try:
        return is_unknown(text) or bool(ip_network(text))
    except ValueError:
        return False


def _network_outputs(api: CloudApi, inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    """Its subnets have ids of their own; those that were made apart are told of too."""
    if inputs.get("subnets") is None:
        own = [dict(one) for one in api.listed(SUBNET) if parent(one["id"]) == id]
        return {"subnets": own} if own else {"subnets": []}
    inline = [
        {**one, "id": f"{id}/subnets/{one.get('name')}", "provisioningState": "Succeeded"}
        for one in inputs.get("subnets") or ()
    ]
    return {"subnets": inline}


def _change_network(api: CloudApi, old: Outputs, new: Inputs) -> Iterator[CloudApiError]:
    """A list that is shorter deletes subnets, and a subnet that leaves something out loses it."""
    before = {str(one.get("name")): one for one in old.get("subnets") or ()}
    if new.get("subnets") is None:
        return  # azure-native hands on what is there (SDK: subnets are kept where the program names none)
    after = {str(one.get("name")): one for one in new.get("subnets") or ()}
    for name, one in before.items():
        yield from _change_of_subnet(api, str(one.get("id")), one, after.get(name))


def _change_of_subnet(
    api: CloudApi, subnet: str, before: Outputs, after: Mapping[str, Any] | None
) -> Iterator[CloudApiError]:
    by = users_of(api, subnet)
    if not by:
        return
    if after is None:
        yield in_use(SUBNET, subnet, by)
    elif ranges_of(after) != ranges_of(before):
        message = f"Subnet {last(subnet)} is in use by {', '.join(by)} and its address prefix cannot be updated."
        yield CloudApiError("InUsePrefixCannotBeDeleted", message)
    elif (before.get("delegations") or ()) and not after.get("delegations"):
        message = f"The delegation of subnet {last(subnet)} cannot be deleted: it is used by {', '.join(by)}."
        yield CloudApiError("SubnetDelegationCannotBeDeleted", message)


def users_of(api: CloudApi, subnet: str) -> list[str]:
    """Holders of addresses of the subnet, in words."""
    found = ((token, one) for token in USERS for one in api.listed(token) if _names(one, subnet))
    return [f"{token.rpartition(':')[2]} {one.get('name')}" for token, one in found]


def _names(value: Any, text: str) -> bool:
    if isinstance(value, Mapping):
        return any(_names(part, text) for part in value.values())
    if isinstance(value, list | tuple):
        return any(_names(part, text) for part in value)
    return bool(value == text)


def subnet_of(api: CloudApi, subnet: Any) -> Outputs | None:
    """All that is known of a subnet by its id: made apart, or in its network."""
    network = api.find(NETWORK, parent(subnet)) or {}
    inline = next((one for one in network.get("subnets") or () if one.get("id") == subnet), None)
    return api.find(SUBNET, str(subnet)) or inline


def _refuse_subnet(api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    network = api.find(NETWORK, str(inputs.get("virtualNetworkName"))) or {}
    spaces = _known((network.get("addressSpace") or {}).get("addressPrefixes"))
    yield from _subnet_problems(str(inputs.get("subnetName")), inputs, spaces)


def _change_subnet(api: CloudApi, old: Outputs, new: Inputs) -> Iterator[CloudApiError]:
    network = api.find(NETWORK, str(new.get("virtualNetworkName")))
    if network:
        yield from _change_of_subnet(api, f"{network['id']}/subnets/{new['subnetName']}", old, new)


def _delete_network(api: CloudApi, _id: str, outputs: Outputs) -> None:
    for one in outputs.get("subnets") or ():
        if by := users_of(api, str(one.get("id"))):
            raise in_use(SUBNET, str(one.get("id")), by)


def _delete_subnet(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
    if by := users_of(api, id):
        raise in_use(SUBNET, id, by)


def _turn(inputs: Inputs) -> str:
    return f"network {inputs.get('virtualNetworkName')}"


def _refuse_address(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    sku, way = (inputs.get("sku") or {}).get("name", "Standard"), inputs.get("publicIPAllocationMethod", "Static")
    if sku == "Basic":
        message = "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region."
        yield CloudApiError("IPv4BasicSkuPublicIpCountLimitReached", message)
    if sku == "Standard" and way != "Static":
        message = "Standard sku publicIp must have AllocationMethod set to Static."
        yield CloudApiError("StandardSkuPublicIPAllocationMethodMustBeStatic", message)


def _address(_api: CloudApi, _inputs: Inputs, id: str) -> Outputs:  # noqa: A002 (the engine's own word)
    return {"ipAddress": f"20.84.{len(id) % 250 + 1}.{sum(map(ord, id)) % 250 + 1}"}


def _refuse_nat(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    """Azure NAT Gateway, "Design virtual networks with NAT gateway": one zone, and an address of it."""
    if len(inputs.get("zones") or ()) > 1:
        yield CloudApiError("ResourceCannotBeInMultipleZones", "A NAT gateway lies in one zone, or in none.")
    if not inputs.get("publicIpAddresses") and not inputs.get("publicIpPrefixes"):
        message = "The NAT gateway has no public address: nothing behind it gets out."
        yield CloudApiError("NatGatewayHasNoPublicIp", message)


def _refuse_security(_api: CloudApi, inputs: Inputs) -> Iterator[CloudApiError]:
    seen: dict[tuple[Any, Any], str] = {}
    for rule in inputs.get("securityRules") or ():
        key = rule.get("direction"), rule.get("priority")
        if key in seen:
            message = f"Security rules {seen[key]} and {rule.get('name')} have the same priority and direction."
            yield CloudApiError("SecurityRuleConflict", message)
        seen[key] = str(rule.get("name"))
        priority = rule.get("priority")
        if not is_unknown(priority) and not 100 <= int(priority or 0) <= 4096:
            yield CloudApiError("SecurityRuleInvalidPriority", f"Priority {priority} is not from 100 to 4096.")


def _guid_outputs(_api: CloudApi, _inputs: Inputs, _id: str) -> Outputs:
    return {"resourceGuid": ""}


def _zone(_api: CloudApi, _inputs: Inputs, _id: str) -> Outputs:
    return {"numberOfRecordSets": 1, "location": "global"}


def _link(_api: CloudApi, _inputs: Inputs, _id: str) -> Outputs:
    return {"virtualNetworkLinkState": "Completed", "location": "global"}


_N = "Microsoft.Network"
TYPES = (
    ArmType(
        token=NETWORK, namespace=_N, path="virtualNetworks", own_name="virtualNetworkName", longest_name=64,
        outputs=_network_outputs, refuse=_refuse_network, refuse_change=_change_network, refuse_delete=_delete_network,
        turn=_turn, turn_patience_min=NETWORK_PATIENCE_MIN,
    ),
    ArmType(
        token=SUBNET, namespace=_N, path="virtualNetworks/subnets", own_name="subnetName",
        parents=(("virtualNetworkName", NETWORK),), refuse=_refuse_subnet, refuse_change=_change_subnet,
        refuse_delete=_delete_subnet, turn=_turn, turn_patience_min=NETWORK_PATIENCE_MIN,
    ),
    ArmType(
        token=ADDRESS, namespace=_N, path="publicIPAddresses", own_name="publicIpAddressName", outputs=_address,
        refuse=_refuse_address, unchanging=("sku.name", "zones", "publicIPAllocationMethod"),
    ),
    ArmType(
        token=NAT, namespace=_N, path="natGateways", own_name="natGatewayName", refuse=_refuse_nat,
        outputs=_guid_outputs, unchanging=("zones", "sku.name"), ready_min=1.0, gone_min=1.0,
    ),
    ArmType(
        token=SECURITY_GROUP, namespace=_N, path="networkSecurityGroups", own_name="networkSecurityGroupName",
        refuse=_refuse_security, outputs=_guid_outputs,
    ),
    ArmType(token=PRIVATE_ENDPOINT, namespace=_N, path="privateEndpoints", own_name="privateEndpointName"),
    ArmType(token=ZONE, namespace=_N, path="privateDnsZones", own_name="privateZoneName", outputs=_zone,
            longest_name=253),
    ArmType(
        token=ZONE_LINK, namespace=_N, path="privateDnsZones/virtualNetworkLinks", own_name="virtualNetworkLinkName",
        parents=(("privateZoneName", ZONE),), outputs=_link,
    ),
)  # fmt: skip
