"""Balancers over regions and the groups of endpoints behind them: what is asked of Google, and what has to be there."""

from pathlib import Path
from typing import Any

import pytest

from bench.registrations import recorded
from components.errors import PenstockError, Problem, SpecError
from components.plan.stack import StackPlan
from providers import load
from providers.gcp.balancer.groups import await_group, require_unused
from providers.gcp.drain import drain
from providers.gcp.plan import GcpPlan
from providers.gcp.preflight import RIGHTS, look
from providers.gcp.types import GkePlan
from rehearsal.cloud.account import Object
from rehearsal.cloud.errors import CloudApiError
from rehearsal.providers.gcp.names import ARMOR, BACKEND_SERVICE, ENDPOINT_GROUP, FIREWALL
from stacks.program import build
from tests.unit.providers.aws.whole_stacks import changed, planned
from tests.unit.providers.gcp.answers import Answers
from tests.unit.providers.gcp.test_preflight import GOOD, PROJECT
from tests.unit.providers.gcp.whole_stacks import GIVEN, STACK
from tests.unit.providers.gcp.wrong_stacks import FRONT, GROUPED, OTHER, OWN
from tests.unit.rehearsal.providers.gcp.project import GcpProject

BOTH: dict[str, Any] = {**GROUPED, "gcp.globalBalancers": [FRONT]}
USERS = f"GET {PROJECT}/aggregated/backendServices"


def plan_of(folder: Path, changes: dict[str, Any] | None = None, name: str = "gcp-test") -> StackPlan:
    return planned(changed(BOTH if changes is None else changes, STACK), folder, name)


def asked_of(folder: Path, changes: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    plan = plan_of(folder, changes)
    return recorded(lambda: build(load("gcp"), plan), stack="gcp-test")


def of(found: list[dict[str, Any]], token: str) -> list[dict[str, Any]]:
    return [one for one in found if one["type"] == token]


def test_what_nobody_asks_for_is_not_there(tmp_path: Path) -> None:
    found = asked_of(tmp_path, {})
    assert [one["type"] for one in found if "Front" in one["type"] or "certificate" in one["type"]] == []
    assert of(found, BACKEND_SERVICE) == []


def test_a_front_lets_in_the_ranges_of_the_file_and_lasts_as_long_as_a_stream(tmp_path: Path) -> None:
    found = asked_of(tmp_path)
    (service,), (policy,) = of(found, BACKEND_SERVICE), of(found, ARMOR)
    assert service["object"]["timeoutSec"] == 3600
    assert [one["group"] for one in service["object"]["backends"]] == [OWN, OTHER]
    rules = {
        one["priority"]: (one["action"], one["match"]["config"]["srcIpRanges"]) for one in policy["object"]["rules"]
    }
    assert rules == {1000: ("allow", ["203.0.113.0/24"]), 2147483647: ("deny(403)", ["*"])}


def test_many_ranges_take_several_rules(tmp_path: Path) -> None:
    ranges = [f"203.0.113.{place}/32" for place in range(11)]
    found = asked_of(tmp_path, {**GROUPED, "gcp.globalBalancers": [{**FRONT, "sourceRanges": ranges}]})
    (policy,) = of(found, ARMOR)
    assert [len(one["match"]["config"]["srcIpRanges"]) for one in policy["object"]["rules"]] == [10, 1, 1]


def test_a_front_comes_after_its_own_group_and_that_after_the_service(tmp_path: Path) -> None:
    found = asked_of(tmp_path)
    (group,) = of(found, "penstock:gcp:EndpointGroup")
    (front,) = of(found, "penstock:gcp:Front")
    assert group["object"]["group"] == OWN
    assert any("httproute" in urn for urn in front["dependencies"])
    (balancer,) = of(found, "penstock:gcp:GlobalBalancer")
    assert any("EndpointGroup" in urn for urn in balancer["dependencies"])


def test_a_group_is_under_a_name_and_its_proxies_in_its_zone(tmp_path: Path) -> None:
    found = asked_of(tmp_path, GROUPED)
    (proxy,) = [one for one in found if one["type"].endswith(":EnvoyProxy")]
    kubernetes = proxy["object"]["spec"]["provider"]["kubernetes"]
    notes = {"cloud.google.com/neg": '{"exposed_ports":{"80":{"name":"gcp-test-serve"}}}'}
    assert kubernetes["envoyService"] == {"type": "ClusterIP", "annotations": notes}
    plan = plan_of(tmp_path, GROUPED).cluster
    assert isinstance(plan, GcpPlan)
    assert isinstance(plan.control_plane, GkePlan)
    wanted = dict(plan.control_plane.system_pool.binding.node_selector)
    assert kubernetes["envoyDeployment"]["pod"]["nodeSelector"] == wanted
    assert plan.control_plane.system_pool.zone in OWN


def test_the_network_of_others_is_not_opened(tmp_path: Path) -> None:
    own = of(asked_of(tmp_path, GROUPED), FIREWALL)
    given = {**GROUPED, "cluster.network": {"existing": {**GIVEN, "privateServices": True}}}
    assert [one["object"]["name"] for one in own if "checks" in one["name"]] == ["gcp-test-serve-checks"]
    assert [one for one in of(asked_of(tmp_path, given), FIREWALL) if "checks" in one["name"]] == []


def test_a_long_name_is_refused(tmp_path: Path) -> None:
    name = "b" * 40
    changes = {**GROUPED, "gcp.globalBalancers": [{**FRONT, "name": name, "endpointGroups": [{"group": OTHER}]}]}
    with pytest.raises(SpecError, match="there is room for 54; shorten one of them"):
        plan_of(tmp_path, changes, "gcp-testing-long-one")
    with pytest.raises(SpecError, match="a group 63 at most; shorten one of them"):
        plan_of(tmp_path, changed({"inference.name": "c" * 40}, GROUPED), "a-name-of-24-characters0")


def obstacles(folder: Path, answers: dict[str, Any]) -> list[Problem]:
    cluster = plan_of(folder).cluster
    assert isinstance(cluster, GcpPlan)
    return list(look(cluster, Answers({**GOOD, **answers})))  # type: ignore[arg-type]


def test_groups_of_others_have_to_be_there(tmp_path: Path) -> None:
    told = [str(one) for one in obstacles(tmp_path, {}) if "endpointGroups" in one.path]
    assert len(told) == 1
    assert OTHER in told[0]
    assert "run `up` for the stack" in told[0]
    assert [one for one in obstacles(tmp_path, {f"GET {OTHER}": {}}) if "endpointGroups" in one.path] == []


def test_a_front_needs_rights_of_its_own(tmp_path: Path) -> None:
    given = {f"POST {PROJECT}:testIamPermissions": {"permissions": list(RIGHTS)}}
    (told,) = [str(one) for one in obstacles(tmp_path, given) if "credentials lack" in one.message]
    assert "certificatemanager.certs.create" in told
    assert "roles/certificatemanager.owner" in told


def waiting(group: str = OWN, patience_s: float = 0.0) -> dict[str, Any]:
    return {"project": "my-project", "group": group, "patienceS": patience_s, "identity": {}}


def test_a_group_that_does_not_come_is_told_with_where_to_look() -> None:
    with pytest.raises(PenstockError, match=r"is not there: GKE makes it .* `kubectl get services"):
        await_group(Answers({}), waiting(), print)  # type: ignore[arg-type]
    await_group(Answers({f"GET {OWN}": {"name": "gcp-test-serve"}}), waiting(), print)  # type: ignore[arg-type]


def test_a_group_in_use_does_not_go() -> None:
    used = [{"name": "their-llm", "backends": [{"group": f"https://x/{OWN}"}]}]
    with pytest.raises(PenstockError, match=r"backend service their-llm sends requests to .* then run destroy again"):
        require_unused(Answers({USERS: used}), waiting())  # type: ignore[arg-type]
    require_unused(Answers({USERS: used}), waiting(OTHER))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "inputs", "words"),
    [
        (
            BACKEND_SERVICE,
            {"backends": [{"group": OTHER, "balancingMode": "UTILIZATION"}]},
            "not supported for a zonal",
        ),
        (BACKEND_SERVICE, {"backends": [{"group": OTHER, "balancingMode": "RATE"}]}, "maxRate"),
        (BACKEND_SERVICE, {"backends": [{"group": OTHER, "balancingMode": "RATE", "maxRate": 1}]}, "Cross-project"),
        (BACKEND_SERVICE, {"connectionDrainingTimeoutSec": 7200}, "drainingTimeoutSec"),
        (ARMOR, {"rules": [{"priority": 1, "action": "allow"}]}, "default rule"),
    ],
)
def test_the_simulated_project_refuses_what_google_does(token: str, inputs: dict[str, Any], words: str) -> None:
    project = GcpProject()
    project.cloud.account.add(
        Object(token=ENDPOINT_GROUP, id=OTHER, called="GKE", region="europe-west4", inputs={}, outputs={})
    )
    with pytest.raises(CloudApiError, match=words):
        project.make(token, "one", **inputs)


def test_the_simulated_project_knows_no_group_that_gke_has_not_made() -> None:
    behind = {"group": OTHER, "balancingMode": "RATE", "maxRate": 1}
    with pytest.raises(CloudApiError, match="gcp-europe-serve' was not found"):
        GcpProject().make(BACKEND_SERVICE, "one", backends=[behind])


def test_the_drain_takes_groups_of_the_stacks_own_name() -> None:
    place = "https://www.googleapis.com/compute/v1/projects/my-project/zones/a/networkEndpointGroups"
    mine, other = (
        {"name": name, "network": "https://x/networks/gcp-test", "selfLink": f"{place}/{name}"}
        for name in ("gcp-test-serve", "gcp-test-two-serve")
    )
    there = [mine, other]
    kinds = ("disks", "forwardingRules", "targetPools", "backendServices")
    answers: dict[str, Any] = {f"GET {PROJECT}/aggregated/{kind}": [] for kind in kinds}
    answers[f"GET {PROJECT}/aggregated/networkEndpointGroups"] = lambda: list(there)
    answers[f"DELETE {PROJECT}/zones/a/networkEndpointGroups/gcp-test-serve"] = lambda: there.remove(mine)
    google = Answers(answers)
    said: list[str] = []
    inputs = {
        "project": "my-project", "cluster": "gcp-test", "network": "gcp-test", "own": False,
        "groups": ["gcp-test-serve"], "patienceS": 60,
    }  # fmt: skip
    drain(google, inputs, said.append)  # type: ignore[arg-type]
    assert there == [other]
    assert said == ["deleted zones/a/networkEndpointGroups/gcp-test-serve, which GKE had left"]
