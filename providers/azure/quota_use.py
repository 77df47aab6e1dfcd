"""Quotas of the subscription against the plan's needs: vCPUs by family, those of the region together, and spot."""

from collections.abc import Iterator

from components.errors import Problem
from components.plan.part import QuotaNeed
from providers.azure.api_versions import COMPUTE
from providers.azure.plan import AzurePlan
from providers.azure.session import Azure

_COMPUTE = "Microsoft.Compute"


def quota_problems(plan: AzurePlan, azure: Azure, *, stands: bool) -> Iterator[Problem]:
    """Needs beyond what is left of each limit. Where the stack `stands`, its own use counts within the limit."""
    place = f"/subscriptions/{plan.subscription}/providers/{_COMPUTE}/locations/{plan.region}/usages"
    limits = {_plain(str(one["name"]["value"])): one for one in azure.pages(place, COMPUTE)}
    for need in plan.quotas:
        if need.service != _COMPUTE:
            continue
        found = limits.get(_plain(need.code))
        limit = float(found["limit"]) if found else 0.0
        used = 0.0 if stands or not found else float(found.get("currentValue", 0))
        if need.needed > limit - used:
            yield _problem(plan, need, limit, used)


def _problem(plan: AzurePlan, need: QuotaNeed, limit: float, used: float) -> Problem:
    in_use = f", {used:g} in use" if used else ""
    message = (
        f"{need.name} ({need.code}) in {plan.region}: {limit:g}{in_use}, and the stack needs {need.needed:g} "
        f"({need.reason}); ask for more (Azure portal, Quotas, Compute, {plan.region}), or make pools smaller"
    )
    return Problem(path="cluster.nodePools", message=message)


def _plain(code: str) -> str:
    """Families are written with and without spaces and capitals."""
    return code.replace(" ", "").lower()
