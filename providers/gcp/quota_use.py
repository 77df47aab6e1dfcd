"""Quotas of the project against the plan's needs."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.errors import Problem
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google


def quota_problems(plan: GcpPlan, google: Google, *, stands: bool) -> Iterator[Problem]:
    """Needs beyond what Compute Engine leaves the project. Where the stack `stands`, its own use counts within the
    limit. Quotas of other services, and those by family of newer accelerators, are not among what it lists.
    """
    region = google.get("compute", f"projects/{plan.project}/regions/{plan.region}")
    whole = google.get("compute", f"projects/{plan.project}")
    limits = {**_by_metric(whole), **_by_metric(region)}
    for need in plan.quotas:
        found = limits.get(need.code)
        if need.service != "compute" or found is None:
            continue
        limit, used = float(found["limit"]), 0.0 if stands else float(found.get("usage", 0))
        if need.needed <= limit - used:
            continue
        in_use = f", {used:g} in use" if used else ""
        where = "of all regions" if need.code == "GPUS_ALL_REGIONS" else f"in {plan.region}"
        message = (
            f"{need.code} {where} is {limit:g}{in_use}, and the stack needs {need.needed:g} ({need.reason}); ask for "
            f"more (https://console.cloud.google.com/iam-admin/quotas?project={plan.project}), or make pools smaller"
        )
        yield Problem(path="cluster.nodePools", message=message)


def _by_metric(place: Mapping[str, Any]) -> dict[str, Any]:
    return {one["metric"]: one for one in place.get("quotas", ())}
