"""Machine types against what the subscription is offered of them in its region and zones."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.errors import Problem
from providers.azure.api_versions import SKUS
from providers.azure.plan import AzurePlan
from providers.azure.session import Azure
from providers.azure.types import AzureNodePoolPlan


def offer_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    """Machine types that the region, the zone or the subscription does not have."""
    place = f"/subscriptions/{plan.subscription}/providers/Microsoft.Compute/skus"
    listed = azure.pages(place, SKUS, **{"$filter": f"location eq '{plan.region}'"})
    offers = {str(one["name"]): one for one in listed if one.get("resourceType") == "virtualMachines"}
    for pool in (plan.control_plane.system_pool, *plan.node_pools):
        if why := _lacking(pool, offers.get(pool.machine.name), plan.region):
            yield Problem(path=f"cluster.nodePools.{pool.name}.machineType", message=why)


def _lacking(pool: AzureNodePoolPlan, offer: Mapping[str, Any] | None, region: str) -> str:
    name = pool.machine.name
    if offer is None:
        return f"{region} has no {name}; `az vm list-skus --size {name}` tells which regions do"
    zones = {zone for info in offer.get("locationInfo", ()) for zone in info.get("zones", ())}
    closed: set[str] = set()
    for one in offer.get("restrictions", ()):
        if one.get("type") == "Location":
            return (
                f"{name} is not open to the subscription in {region} ({one.get('reasonCode', 'restricted')}); ask your "
                "account team or support to open it, or take another region"
            )
        closed |= set(one.get("restrictionInfo", {}).get("zones", ()))
    if pool.zone and pool.zone not in zones - closed:
        open_ = ", ".join(sorted(zones - closed)) or "none"
        return f"zone {pool.zone} of {region} has no {name} for the subscription; zones that do: {open_}"
    return ""
