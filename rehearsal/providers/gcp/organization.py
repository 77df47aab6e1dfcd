"""Organization policies of a simulated project, each allowing all until a fault script says otherwise.

Source: Google Cloud, "Organization policy constraints"; for Secure Boot the service's words in
hashicorp-education/learn-terraform-provision-gke-cluster 8. A fault script sets one so: `existing: [{type:
"gcp:orgpolicy/policy:Policy", resource: "*/compute.requireShieldedVm", set: {enforced: true}}]`, or `denied: [VALUE]`,
where `*` stands for every value, or `allowed: [VALUE]`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.standing import StandingThing

POLICY = "gcp:orgpolicy/policy:Policy"
SHIELDED, ACCOUNTS = "compute.requireShieldedVm", "iam.disableServiceAccountCreation"
PEERING, KEYS, SOFT_DELETE = (
    "compute.restrictVpcPeering",
    "gcp.restrictNonCmekServices",
    "storage.softDeletePolicySeconds",
)
SERVICES, NATS = "gcp.restrictServiceUsage", "compute.restrictCloudNATUsage"
BOOLEAN = (SHIELDED, ACCOUNTS)
LISTED = (PEERING, KEYS, SOFT_DELETE, SERVICES, NATS)
_ALL = "*"
_KEYED = ("compute", "container", "storage", "file", "lustre", "artifactregistry")
"""Services whose resources may have a customer's key, and that the simulated project has."""


def standing(project: str) -> Iterator[StandingThing]:
    """All of them, in effect and without a restriction."""
    for name in BOOLEAN:
        yield StandingThing(token=POLICY, id=f"{project}/{name}", inputs={"enforced": False})
    for name in LISTED:
        yield StandingThing(token=POLICY, id=f"{project}/{name}", inputs={"denied": [], "allowed": []})


def effective(account: Account, project: str, constraint: str) -> dict[str, Any]:
    """The policy as Resource Manager tells of it (v1, projects.getEffectiveOrgPolicy)."""
    name = constraint.removeprefix("constraints/")
    stood = account.stood(POLICY, f"{project}/{name}")
    inputs = stood.inputs if stood else {}
    if name in BOOLEAN:
        return {"constraint": constraint, "booleanPolicy": {"enforced": True} if inputs.get("enforced") else {}}
    denied, allowed = list(inputs.get("denied") or ()), list(inputs.get("allowed") or ())
    if _ALL in denied:
        return {"constraint": constraint, "listPolicy": {"allValues": "DENY"}}
    if not denied and not allowed:
        return {"constraint": constraint, "listPolicy": {"allValues": "ALLOW"}}
    return {"constraint": constraint, "listPolicy": {"allowedValues": allowed, "deniedValues": denied}}


def violated(
    account: Account, service: str, project: str, parameters: Mapping[str, Any]
) -> CloudApiError | None:  # fmt: skip
    """The error of a request that an organization does not allow."""
    body = parameters.get("body")
    for name, value in _uses(service, body if isinstance(body, Mapping) else {}):
        stood = account.stood(POLICY, f"{project}/{name}")
        if stood is not None and not _allows(stood.inputs, value):
            message = f"Constraint constraints/{name} violated for project projects/{project}. {value}"
            return CloudApiError("Error 412", f"{message}, conditionNotMet")
    return None


def _allows(policy: Mapping[str, Any], value: str) -> bool:
    if policy.get("enforced"):
        return False
    denied, allowed = policy.get("denied") or (), policy.get("allowed") or ()
    return _ALL not in denied and value not in denied and (not allowed or value in allowed)


def _uses(service: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Constraints that a request is held to, with the value that it has of them."""
    cluster, pool = body.get("cluster"), body.get("nodePool")
    for made, key in ((cluster, "nodeConfig"), (pool, "config")):
        nodes = (made or {}).get(key) or {}
        if made and not (nodes.get("shieldedInstanceConfig") or {}).get("enableSecureBoot"):
            yield SHIELDED, "Secure Boot is not enabled in the 'shielded_instance_config' field."
    if service == "iam" and "accountId" in body:
        yield ACCOUNTS, "Service account creation is not allowed on this project."
    if service == "servicenetworking" and "reservedPeeringRanges" in body:
        yield PEERING, "under:projects/servicenetworking"
    if service == "compute" and "nats" in body and body["nats"]:
        yield NATS, "under:projects/all"
    made = cluster or body.get("location") or body.get("fileShares") or body.get("filesystem")
    if service in _KEYED and made:
        yield KEYS, f"{service}.googleapis.com"
    if service == "storage" and "location" in body:
        soft = (body.get("softDeletePolicy") or {}).get("retentionDurationSeconds", 604800)
        yield SOFT_DELETE, str(soft)
