"""Policies of the organization that a stack would break, read before anything is created.

Source: Google Cloud, "Organization policy constraints" (2026-11); Resource Manager API v1,
projects.getEffectiveOrgPolicy. Kept by every stack, and so not asked for: compute.vmExternalIpAccess (nodes have no
public address), compute.requireShieldedVm (Secure Boot on all nodes), storage.uniformBucketLevelAccess,
storage.publicAccessPrevention, compute.requireOsLogin (GKE, "Organization policy constraints"; login nodes of Cluster
Director have it on). Nothing published says whether machines of Cluster Director boot securely.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.errors import Problem
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google
from providers.gcp.types import GkePlan

_NODE_IMAGES, _SLURM_IMAGES = "projects/gke-node-images", "projects/clusterdirector-public-images"
_GROUPS = ("in:", "under:", "is:")
"""Beginnings of values that stand for many others, whose members only Google knows."""
_CONTINENTS = ("africa", "asia", "australia", "europe", "me", "northamerica", "southamerica", "us")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """Deed of a stack that a constraint speaks of."""

    constraint: str
    path: str
    values: tuple[str, ...] = ()
    """Those that it has of a list of values; none for a constraint that is on or off."""
    does: str
    remedy: str = ""
    """Beside an exception for the project."""


def policy_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Constraints that stop the plan; those that may, as only their members decide, are told and stop nothing."""
    for use in _uses(plan):
        asked = {"constraint": f"constraints/{use.constraint}"}
        policy = google.post("resource_manager", f"projects/{plan.project}:getEffectiveOrgPolicy", asked)
        refused, unsure = _verdict(policy, use.values)
        if not refused and not unsure:
            continue
        values = f" ({', '.join(refused or unsure)})" if use.values else ""
        fact = "forbids that" if refused else "may forbid that, as it allows groups of values alone"
        or_else = f", or {use.remedy}" if use.remedy else ""
        remedy = f"ask for an exception of {plan.project} (roles/orgpolicy.policyAdmin){or_else}"
        message = f"the stack {use.does}{values}, and constraints/{use.constraint} {fact}; {remedy}"
        yield Problem(path=use.path, message=message, stops=bool(refused))


def _verdict(policy: Mapping[str, Any], values: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Values that are refused, and those of which only the members of a group decide."""
    if not values:
        return (("on",) if policy.get("booleanPolicy", {}).get("enforced") else ()), ()
    listed = policy.get("listPolicy", {})
    if listed.get("allValues") == "DENY":
        return values, ()
    denied, allowed = listed.get("deniedValues", ()), listed.get("allowedValues", ())
    refused = tuple(one for one in values if _named(one) & set(denied))
    left = [one for one in values if one not in refused and allowed and not _named(one) & set(allowed)]
    if any(one.startswith(_GROUPS) for one in allowed):
        return refused, tuple(left)
    return (*refused, *left), ()


def _named(value: str) -> set[str]:
    """All names that a policy has for a value: for a region, also those of its groups."""
    places = {value, f"in:{value}-locations"}
    continent = value.partition("-")[0]
    if continent in _CONTINENTS:
        places.add(f"in:{continent}-locations")
    return {value, f"is:{value}", f"under:{value}", *places}


def _uses(plan: GcpPlan) -> Iterator[_Use]:
    yield _Use(
        constraint="gcp.resourceLocations", path="cluster.region", values=(plan.region,), does="stands in its region",
        remedy="take another region",
    )  # fmt: skip
    yield _Use(
        constraint="gcp.restrictServiceUsage", path="gcp.project", values=plan.services, does="uses APIs"
    )  # fmt: skip
    yield _Use(
        constraint="gcp.restrictNonCmekServices", path="gcp.project", values=_without_keys(plan),
        does="keeps data under Google's own keys",
    )  # fmt: skip
    gke = isinstance(plan.control_plane, GkePlan)
    if gke:
        yield _Use(
            constraint="iam.disableServiceAccountCreation", path="gcp.project", does="makes an account for its nodes"
        )  # fmt: skip
    yield _Use(
        constraint="compute.trustedImageProjects", path="gcp.project", values=(_NODE_IMAGES if gke else _SLURM_IMAGES,),
        does=f"starts nodes from {'GKE' if gke else 'Cluster Director'}'s images",
    )  # fmt: skip
    if plan.storage.object_store is not None:
        yield _Use(
            constraint="storage.softDeletePolicySeconds", path="storage.objectStore", values=("0",),
            does="has a bucket that keeps deleted objects once, as old versions", remedy="leave the bucket out",
        )  # fmt: skip
    yield from _network_uses(plan)


def _network_uses(plan: GcpPlan) -> Iterator[_Use]:
    network, stores = plan.network, plan.storage
    peers = "its network peers with Google's"
    if network.services_peering_cidr:
        yield _Use(
            constraint="compute.restrictVpcPeering", path="storage.fileSystem", values=("servicenetworking",),
            does=f"has Managed Lustre, for which {peers}", remedy="leave it out",
        )  # fmt: skip
    elif stores.shared_file_system and stores.shared_file_system.connect_mode == "DIRECT_PEERING":
        yield _Use(
            constraint="compute.restrictVpcPeering", path="storage.sharedFileSystem", values=("filestore",),
            does=f"has Filestore, for which {peers}", remedy="leave it out",
        )  # fmt: skip
    if network.nat:
        subnet = f"projects/{plan.project}/regions/{plan.region}/subnetworks/{network.nodes.name}"
        yield _Use(
            constraint="compute.restrictCloudNATUsage", path="cluster.network.nat", values=(subnet,),
            does="has Cloud NAT", remedy="set cluster.network.nat to none and mirror all images",
        )  # fmt: skip
    if network.existing is not None and network.existing.is_shared:
        there = network.existing
        subnet = f"projects/{there.project}/regions/{plan.region}/subnetworks/{there.subnet}"
        yield _Use(
            constraint="compute.restrictSharedVpcSubnetworks", path="cluster.network.existing.subnet",
            values=(subnet,), does="stands in a subnet of a shared VPC", remedy="name a subnet that it allows",
        )  # fmt: skip


def _without_keys(plan: GcpPlan) -> tuple[str, ...]:
    """Services that hold data of the stack, whose resources have no key of the customer's."""
    stores, gke = plan.storage, isinstance(plan.control_plane, GkePlan)
    return (
        "compute.googleapis.com",
        *(("container.googleapis.com", "artifactregistry.googleapis.com") if gke else ()),
        *(("storage.googleapis.com",) if stores.object_store else ()),
        *(("file.googleapis.com",) if stores.shared_file_system else ()),
        *(("lustre.googleapis.com",) if stores.file_system else ()),
    )
