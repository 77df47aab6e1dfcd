"""Endpoints of Vertex AI: what is asked of Google, what it counts and costs, and what the project has to allow."""

from pathlib import Path
from typing import Any

import pytest

from bench.registrations import recorded
from components.errors import Problem
from components.plan.stack import StackPlan
from providers import load
from providers.gcp.plan import GcpPlan
from providers.gcp.preflight import PART_RIGHTS, RIGHTS, look
from rehearsal.cloud.account import Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.gcp.names import GARDEN_ENDPOINT
from stacks.program import build
from tests.unit.providers.aws.mocks import whole
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.gcp.answers import Answers
from tests.unit.providers.gcp.test_preflight import GOOD, PROJECT
from tests.unit.providers.gcp.whole_stacks import STACK
from tests.unit.providers.gcp.wrong_stacks import ENDPOINT
from tests.unit.rehearsal.providers.gcp.project import GcpProject

LIMIT = f"GET {PROJECT}/locations/global/services/aiplatform.googleapis.com/quotaInfos"
L4 = f"{LIMIT}/CustomModelServingL4GPUsPerProjectPerRegion"
BIG: dict[str, Any] = {**ENDPOINT, "machineType": "g2-standard-48", "minReplicas": 2, "maxReplicas": 3}


def plan_of(folder: Path, *endpoints: dict[str, Any]) -> StackPlan:
    return planned(changed({"gcp.endpoints": list(endpoints)}, STACK), folder, "gcp-test")


def asked_of_google(folder: Path, *endpoints: dict[str, Any]) -> list[dict[str, Any]]:
    plan = plan_of(folder, *endpoints)
    return recorded(lambda: build(load("gcp"), plan), stack="gcp-test")


def inputs_of(folder: Path, *endpoints: dict[str, Any]) -> dict[str, Any]:
    (one,) = [found for found in asked_of_google(folder, *endpoints) if found["type"] == GARDEN_ENDPOINT]
    inputs: dict[str, Any] = one["object"]
    return inputs


def made_in(project: GcpProject, inputs: dict[str, Any]) -> Object:
    return project.cloud.create(GARDEN_ENDPOINT, "chat", inputs, region="us-central1")


def _plain(inputs: dict[str, Any]) -> dict[str, Any]:
    """As the engine sends them to the simulated project."""
    found: dict[str, Any] = whole({key: value for key, value in inputs.items() if not key.startswith("__")})
    return {**found, "project": "tiny-project"}


def obstacles(folder: Path, answers: dict[str, Any]) -> list[Problem]:
    cluster = plan_of(folder, BIG).cluster
    assert isinstance(cluster, GcpPlan)
    return list(look(cluster, Answers({**GOOD, **answers})))  # type: ignore[arg-type]


def test_an_endpoint_is_asked_for_with_its_accelerators_and_its_api(tmp_path: Path) -> None:
    asked = asked_of_google(tmp_path, BIG)
    (one,) = [found for found in asked if found["type"] == GARDEN_ENDPOINT]
    machines = one["object"]["deployConfig"]["dedicatedResources"]
    assert machines["machineSpec"] == {
        "machineType": "g2-standard-48", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 4,
    }  # fmt: skip
    assert (machines["minReplicaCount"], machines["maxReplicaCount"]) == (2, 3)
    assert one["object"]["endpointConfig"]["dedicatedEndpointEnabled"] is True
    assert one["deleteBeforeReplace"] is True
    services = {found["object"]["service"] for found in asked if found["type"] == "gcp:projects/service:Service"}
    assert "aiplatform.googleapis.com" in services


def test_what_nobody_asks_for_is_not_made(tmp_path: Path) -> None:
    asked = asked_of_google(tmp_path)
    assert not [found for found in asked if "vertex" in found["type"] or "Garden" in found["type"]]
    assert not [found for found in asked if "aiplatform" in str(found.get("object", {}).get("service"))]


def test_endpoints_count_by_accelerator_and_have_a_price_that_is_not_known(tmp_path: Path) -> None:
    cluster = plan_of(tmp_path, BIG, {**ENDPOINT, "name": "code"}).cluster
    needs = {need.code: need.needed for need in cluster.quotas if need.service == "aiplatform"}
    assert needs == {"CustomModelServingL4GPUsPerProjectPerRegion": 3 * 4 + 1}
    lines = [line for line in cluster.bill if line.what.startswith("endpoint ")]
    assert [(line.count, line.unit_usd_per_hour) for line in lines] == [(2, None), (1, None)]


def test_a_right_and_a_quota_that_lack_are_told(tmp_path: Path) -> None:
    rights = {
        f"POST {PROJECT}:testIamPermissions": {"permissions": [*RIGHTS, *PART_RIGHTS, "aiplatform.endpoints.deploy"]}
    }
    enough = {L4: {"dimensionsInfos": [{"dimensions": {"region": "us-central1"}, "details": {"value": "12"}}]}}
    assert obstacles(tmp_path, {**rights, **enough}) == []
    lacking = [one for one in obstacles(tmp_path, enough) if one.stops]
    assert len(lacking) == 1
    assert "aiplatform.endpoints.deploy" in lacking[0].message
    few = {L4: {"dimensionsInfos": [{"dimensions": {"region": "us-central1"}, "details": {"value": "8"}}]}}
    (told,) = [one for one in obstacles(tmp_path, {**rights, **few}) if one.stops]
    assert (told.path, "is 8, and the stack needs 12" in told.message) == ("gcp.endpoints", True)


def test_the_simulated_service_takes_the_request_and_lets_it_go(tmp_path: Path) -> None:
    project = GcpProject(standing=True)
    made = made_in(project, _plain(inputs_of(tmp_path, BIG)))
    assert made.id.startswith("projects/tiny-project/locations/us-central1/endpoints/")
    project.delete(made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"modelConfig": {"acceptEula": False}}, "accept_eula"),
        ({"publisherModelName": "publishers/a/models/b@c"}, "exactly one of"),
        ({"deployConfig.dedicatedResources.machineSpec.acceleratorType": "NVIDIA_H100_80GB"}, "is not supported"),
        ({"deployConfig.dedicatedResources.minReplicaCount": 0}, "greater than or equal to 1"),
        ({"deployConfig.dedicatedResources.replicas": 2}, "replicas is unknown"),
    ],
)
def test_the_simulated_service_refuses_what_the_real_one_does(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    inputs = changed(change, _plain(inputs_of(tmp_path, BIG)))
    with pytest.raises(CloudApiError, match=words):
        made_in(GcpProject(standing=True), inputs)
