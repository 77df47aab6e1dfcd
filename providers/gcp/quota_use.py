"""Quotas of the project against the plan's needs: those that Compute Engine lists with their use, and those by family
that Cloud Quotas alone knows, without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.errors import Problem
from components.plan.part import QuotaNeed
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google, GoogleError

_CLOUD_QUOTAS = "cloudquotas.googleapis.com"
_FAMILY = {"GPUS-PER-GPU-FAMILY": "gpu_family", "TPUS-PER-TPU-FAMILY": "tpu_family"}
"""Dimension beside the region, by the beginning of a quota's id."""
_SERVICES = {"compute": "compute.googleapis.com", "aiplatform": "aiplatform.googleapis.com"}
"""Services whose limits Cloud Quotas tells by their ids."""

_OF = {"aiplatform": ("gcp.endpoints", "lower maxReplicas")}
"""Keys of a stack file, and what is to be done there, of needs that are no pools'."""


def quota_problems(plan: GcpPlan, google: Google, *, stands: bool) -> Iterator[Problem]:
    """Needs beyond what Compute Engine leaves the project. Where the stack `stands`, its own use counts within the
    limit.
    """
    region = google.get("compute", f"projects/{plan.project}/regions/{plan.region}")
    whole = google.get("compute", f"projects/{plan.project}")
    here, everywhere = _by_metric(region), _by_metric(whole)
    for need in plan.quotas:
        found = here.get(need.code) or everywhere.get(need.code)
        if need.service != "compute" or found is None:
            continue
        limit, used = float(found["limit"]), 0.0 if stands else float(found.get("usage", 0))
        if need.needed <= limit - used:
            continue
        in_use = f", {used:g} in use" if used else ""
        where = f"in {plan.region}" if need.code in here else "of all regions"
        yield _problem(plan, need, f"{need.code} {where} is {limit:g}{in_use}")


def family_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Needs beyond limits by family of accelerators and by the ids of Cloud Quotas, which tells no use of them. An API
    that is off is told, as `up` does not switch it on."""
    for need in plan.quotas:
        quota, _, family = need.code.partition("/")
        if need.service not in _SERVICES or (need.service == "compute" and "-per-project" not in quota):
            continue
        service = _SERVICES[need.service]
        path = f"projects/{plan.project}/locations/global/services/{service}/quotaInfos/{quota}"
        try:
            info = google.get("cloud_quotas", path)
        except GoogleError as error:
            yield _unread(plan, need, error)
            if not error.is_absent:
                return
            continue
        limit = _limit(
            info.get("dimensionsInfos", ()), plan.region, _FAMILY.get(quota.partition("-per-")[0], ""), family
        )
        if 0 <= limit < need.needed:
            of = f" of {family}" if family else ""
            yield _problem(plan, need, f"{quota}{of} in {plan.region} is {limit:g}")


def _problem(plan: GcpPlan, need: QuotaNeed, fact: str) -> Problem:
    message = (
        f"{fact}, and the stack needs {need.needed:g} ({need.reason}); ask for more "
        f"(https://console.cloud.google.com/iam-admin/quotas?project={plan.project}), or "
    )
    where, remedy = _OF.get(need.service, ("cluster.nodePools", "make pools smaller"))
    return Problem(path=where, message=f"{message}{remedy}")


def _unread(plan: GcpPlan, need: QuotaNeed, error: GoogleError) -> Problem:
    """A limit that stays unknown: told, and nothing stops."""
    if error.is_absent:
        why = "the project has no quota of that name"
    else:
        why = f"{error}; `gcloud services enable {_CLOUD_QUOTAS} --project={plan.project}` lets it be read"
    message = f"{need.code} was not compared with the {need.needed:g} that the stack needs ({why}), or go on without"
    where, _ = _OF.get(need.service, ("cluster.nodePools", ""))
    return Problem(path=where, message=message, stops=False)


def _limit(infos: Sequence[Mapping[str, Any]], region: str, key: str, family: str) -> float:
    """That of the most exact of the rows that hold for this region and family; below 0 where none does, or there is no
    limit."""
    asked = {"region": region, **({key: family} if key else {})}
    best: tuple[int, float] = (-1, -1.0)
    for info in infos:
        dimensions = info.get("dimensions", {})
        places = info.get("applicableLocations", ())
        fits = all(asked.get(name) == value for name, value in dimensions.items())
        if fits and (not places or region in places or "global" in places) and len(dimensions) > best[0]:
            best = (len(dimensions), float(info.get("details", {}).get("value", -1)))
    return best[1]


def _by_metric(place: Mapping[str, Any]) -> dict[str, Any]:
    return {one["metric"]: one for one in place.get("quotas", ())}
