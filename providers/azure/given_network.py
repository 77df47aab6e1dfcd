"""A network that is there already, as the subscription shows it."""

from collections.abc import Iterator

from components.errors import Problem
from providers.azure.api_versions import NETWORK
from providers.azure.network.plan import CONTROL_PLANE, NETAPP_VOLUMES
from providers.azure.plan import AzurePlan
from providers.azure.session import Azure, AzureError


def given_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    """Subnets of a network that is there already, as they are."""
    there = plan.network.existing
    if there is None:
        return
    path = "cluster.network.existing"
    try:
        found = azure.get(there.id, NETWORK)
    except AzureError as error:
        if not error.is_absent:
            raise
        yield Problem(path=f"{path}.network", message=f"{there.id!r} is not there; correct it")
        return
    if str(found.get("location", "")).replace(" ", "").lower() != plan.region:
        message = f"it is in {found.get('location')}, and the stack in {plan.region}; take a network of that region"
        yield Problem(path=f"{path}.network", message=message)
    subnets = {str(one["name"]): one.get("properties", {}) for one in found.get("properties", {}).get("subnets", ())}
    for key, name, service in (
        ("nodesSubnet", there.nodes, ""),
        ("apiServerSubnet", there.api_server, CONTROL_PLANE),
        ("fileSystemSubnet", there.lustre, ""),
        ("sharedFileSystemSubnet", there.netapp, NETAPP_VOLUMES),
    ):
        if not name:
            continue
        if name not in subnets:
            known = ", ".join(sorted(subnets)) or "none"
            yield Problem(
                path=f"{path}.{key}", message=f"{name!r} is no subnet of it; it has {known}: name one of them"
            )
            continue
        yield from _subnet_problems(f"{path}.{key}", subnets[name], service, plan if key == "nodesSubnet" else None)


def _subnet_problems(
    path: str, subnet: dict[str, object], service: str, nodes_of: AzurePlan | None
) -> Iterator[Problem]:  # fmt: skip
    delegations = subnet.get("delegations") or []
    assert isinstance(delegations, list)
    handed = [str(one.get("properties", {}).get("serviceName", "")) for one in delegations]
    if service and service.lower() not in [one.lower() for one in handed]:
        message = (
            f"it is not handed over to {service}; do that (`az network vnet subnet update --delegations {service}`)"
        )
        yield Problem(path=path, message=message)
    if nodes_of is None:
        return
    outbound = nodes_of.network.outbound
    if outbound == "userAssignedNATGateway" and not subnet.get("natGateway"):
        message = (
            "it has no NAT gateway, so that nodes reach nothing outside; give it one, or write outbound: routeTable"
        )
        yield Problem(path=path, message=message)
    if outbound == "userDefinedRouting" and not subnet.get("routeTable"):
        message = (
            "it has no route table, so that nodes reach nothing outside; give it one, or write outbound: natGateway"
        )
        yield Problem(path=path, message=message)
