"""APIs of a simulated project: off, switched on and not yet heard of everywhere, or on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.gcp.kinds.parts import number
from rehearsal.providers.gcp.names import SERVICE, SPREAD_MIN
from rehearsal.providers.gcp.organization import violated
from rehearsal.providers.gcp.words import PROJECT

FIRST = ("serviceusage", "cloudresourcemanager", "iam")
"""Without these nothing can be switched on (hashicorp/terraform-provider-google 16883)."""
OF_NEW_PROJECTS = ("storage", "logging", "monitoring")
"""On in each new project (Google Cloud, "Services enabled by default")."""
OTHERS = (
    "compute", "container", "servicenetworking", "artifactregistry", "lustre", "file", "cloudkms", "iamcredentials",
    "sts", "aiplatform", "hypercomputecluster", "networkservices", "certificatemanager",
    "cloudquotas",
)  # fmt: skip
ON = "ENABLED"
_PROJECT = re.compile(r"projects/(?P<project>[^/]+)")


def standing(project: str) -> Iterator[StandingThing]:
    """The APIs of a project in which somebody has switched all of them on. A fault script may have some otherwise:
    `existing: [{type: "gcp:projects/service:Service", resource: "*", set: {state: DISABLED}}]`.
    """
    for name in (*FIRST, *OF_NEW_PROJECTS, *OTHERS):
        service = f"{name}.googleapis.com"
        yield StandingThing(
            token=SERVICE, id=f"{project}/{service}", inputs={"project": project, "service": service, "state": ON}
        )


def unusable(
    account: Account, now_min: float, service: str, parameters: Mapping[str, Any]
) -> CloudApiError | None:  # fmt: skip
    """Google's error for a request to an API that is off, or that was switched on too short a while ago."""
    project, name = _project(parameters), f"{service}.googleapis.com"
    stood, own = account.stood(SERVICE, f"{project}/{name}"), account.get(SERVICE, f"{project}/{name}")
    if service in FIRST and stood is None:
        return None
    if (stood and stood.inputs.get("state") == ON) or (own and now_min - own.created_min >= SPREAD_MIN):
        return violated(account, service, project, parameters)
    if stood is None and own is None and not account.stood(SERVICE, f"{project}/{FIRST[0]}.googleapis.com"):
        return None  # another project than the stack's own: nothing is known of it
    return CloudApiError(
        "Error 403",
        f"{name} has not been used in project {number(project)[:12]} before or it is disabled. If you enabled this API "
        "recently, wait a few minutes for the action to propagate to our systems and retry., accessNotConfigured",
    )


def _project(parameters: Mapping[str, Any]) -> str:
    """The project that a request is about."""
    if own := parameters.get("project"):
        return str(own)
    body = parameters.get("body")
    network = body.get("network") if isinstance(body, Mapping) else ""  # by which alone a peering names its project
    named = (parameters.get(name) for name in ("parent", "name", "resource", "destination", "endpoint"))
    for value in (*named, network):
        if found := _PROJECT.match(str(value)):
            return found["project"]
    return PROJECT
