"""Policies of an organization that a stack would break, in the form in which Resource Manager tells of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.errors import Problem
from providers.gcp.organization import policy_problems
from tests.unit.providers.gcp.answers import Answers
from tests.unit.providers.gcp.test_preflight import PROJECT, plan_of
from tests.unit.providers.gcp.whole_stacks import GIVEN

ON: dict[str, Any] = {"booleanPolicy": {"enforced": True}}
NOTHING: dict[str, Any] = {"listPolicy": {"allValues": "DENY"}}
FILESTORE = {"storage": {"sharedFileSystem": {"onDestroy": "delete"}}}
SHARED = {"cluster.network": {"existing": {**GIVEN, "privateServices": True}}}


class Policies(Answers):
    """A project under these constraints; all others allow everything."""

    def __init__(self, policies: Mapping[str, Any]) -> None:
        super().__init__({})
        self._policies = policies

    def post(self, service: str, path: str, body: Mapping[str, Any], **query: str) -> Any:
        assert (service, path) == ("resource_manager", f"{PROJECT}:getEffectiveOrgPolicy")
        return self._policies.get(
            body["constraint"].removeprefix("constraints/"), {"listPolicy": {"allValues": "ALLOW"}}
        )


def told(folder: Path, policies: Mapping[str, Any], **changes: Any) -> list[Problem]:
    return list(policy_problems(plan_of(folder, **changes), Policies(policies)))  # type: ignore[arg-type]


def test_an_organization_that_allows_all_is_not_spoken_of(tmp_path: Path) -> None:
    assert told(tmp_path, {}) == []
    assert told(tmp_path, {"iam.disableServiceAccountCreation": {"booleanPolicy": {}}}) == []


@pytest.mark.parametrize(
    ("constraint", "policy", "changes", "path", "words"),
    [
        ("iam.disableServiceAccountCreation", ON, {}, "gcp.project", "makes an account for its nodes"),
        ("gcp.resourceLocations", {"listPolicy": {"deniedValues": ["in:us-locations"]}}, {}, "cluster.region",
         "take another region"),
        ("gcp.restrictServiceUsage", {"listPolicy": {"deniedValues": ["lustre.googleapis.com"]}}, {}, "gcp.project",
         "(lustre.googleapis.com)"),
        ("gcp.restrictNonCmekServices",
         {"listPolicy": {"deniedValues": ["storage.googleapis.com", "bigquery.googleapis.com"]}}, {}, "gcp.project",
         "under Google's own keys (storage.googleapis.com), and constraints/gcp.restrictNonCmekServices forbids"),
        ("compute.trustedImageProjects", {"listPolicy": {"allowedValues": ["projects/our-images"]}}, {},
         "gcp.project", "projects/gke-node-images"),
        ("storage.softDeletePolicySeconds", {"listPolicy": {"allowedValues": ["604800"]}}, {}, "storage.objectStore",
         "leave the bucket out"),
        ("compute.restrictVpcPeering", NOTHING, {}, "storage.fileSystem", "Managed Lustre"),
        ("compute.restrictVpcPeering", NOTHING, FILESTORE, "storage.sharedFileSystem", "Filestore"),
        ("compute.restrictCloudNATUsage", NOTHING, {}, "cluster.network.nat", "set cluster.network.nat to none"),
        ("compute.restrictSharedVpcSubnetworks",
         {"listPolicy": {"allowedValues": ["projects/net-project/regions/us-central1/subnetworks/other"]}}, SHARED,
         "cluster.network.existing.subnet", "name a subnet that it allows"),
    ],
)  # fmt: skip
def test_what_an_organization_forbids_is_told_before_anything_is_made(
    constraint: str, policy: dict[str, Any], changes: dict[str, Any], path: str, words: str, tmp_path: Path
) -> None:  # fmt: skip
    (found,) = told(tmp_path, {constraint: policy}, **changes)
    assert (found.path, found.stops) == (path, True)
    assert words in found.message
    assert f"constraints/{constraint} forbids that; ask for an exception of my-project" in found.message


@pytest.mark.parametrize(
    ("constraint", "values", "changes"),
    [
        ("gcp.resourceLocations", ["in:us-locations"], {}),
        ("gcp.resourceLocations", ["in:us-central1-locations"], {}),
        ("storage.softDeletePolicySeconds", ["604800"], {"storage.objectStore": None}),
        (
            "compute.restrictSharedVpcSubnetworks",
            ["projects/net-project/regions/us-central1/subnetworks/nodes"],
            SHARED,
        ),
        ("compute.restrictCloudNATUsage", [], SHARED),  # which the stack does not make
    ],
)
def test_what_an_organization_allows_by_name_is_taken(
    constraint: str, values: list[str], changes: dict[str, Any], tmp_path: Path
) -> None:
    policy = {"listPolicy": {"allowedValues": values}} if values else NOTHING
    assert told(tmp_path, {constraint: policy}, **changes) == []


def test_a_group_of_which_only_google_knows_the_members_stops_nothing(tmp_path: Path) -> None:
    (found,) = told(tmp_path, {"gcp.resourceLocations": {"listPolicy": {"allowedValues": ["in:eu-locations"]}}})
    assert not found.stops
    assert "may forbid that" in found.message
