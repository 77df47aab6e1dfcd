"""A network that is there already: what it lacks, and what its owner has not let in."""

from pathlib import Path
from typing import Any

import pytest

from components.errors import Problem
from providers.gcp.given_network import agent_problems, given_problems, way_problems
from providers.gcp.plan import GcpPlan
from tests.unit.providers.gcp.answers import ABSENT, Answers
from tests.unit.providers.gcp.test_preflight import plan_of
from tests.unit.providers.gcp.whole_stacks import GIVEN, TRAIN

HOST = "projects/net-project"
SUBNET = f"{HOST}/regions/us-central1/subnetworks/nodes"
LINK = f"https://www.googleapis.com/compute/v1/{HOST}/global/networks/shared"
AGENT = "serviceAccount:service-42@container-engine-robot.iam.gserviceaccount.com"
APIS = "serviceAccount:42@cloudservices.gserviceaccount.com"
USER, OF_HOST = "roles/compute.networkUser", "roles/container.hostServiceAgentUser"


def right(**over: Any) -> dict[str, Any]:
    return {
        "network": LINK,
        "ipCidrRange": "10.128.0.0/20",
        "secondaryIpRanges": [
            {"rangeName": "pods", "ipCidrRange": "10.132.0.0/14"},
            {"rangeName": "services", "ipCidrRange": "10.136.0.0/20"},
        ],
        "privateIpGoogleAccess": True,
        **over,
    }


def policy(*given: tuple[str, str]) -> dict[str, Any]:
    return {"bindings": [{"role": role, "members": [member]} for role, member in given]}


GOOD: dict[str, Any] = {
    "GET projects/my-project/getXpnHost": {"name": "net-project"},
    "GET projects/my-project": {"projectNumber": "42"},
    f"GET {SUBNET}": right(),
    f"GET {HOST}/global/networks/shared": {
        "peerings": [{"name": "servicenetworking-googleapis-com", "state": "ACTIVE"}]
    },
    f"GET {HOST}/regions/us-central1/routers": [{"network": LINK, "nats": [{"name": "out"}]}],
    f"GET {HOST}/global/firewalls": [
        {"network": LINK, "direction": "INGRESS", "allowed": [{"IPProtocol": "tcp", "ports": ["980-990"]}]}
    ],
    f"POST {HOST}:getIamPolicy": policy((OF_HOST, AGENT)),
    f"GET {SUBNET}/getIamPolicy": policy((USER, AGENT), (USER, APIS)),
}
QUESTIONS = (given_problems, way_problems, agent_problems)


@pytest.fixture
def plan(tmp_path: Path) -> GcpPlan:
    return plan_of(tmp_path, **{"cluster.network": {"existing": {**GIVEN, "privateServices": True}}})


def told(plan: GcpPlan, **over: Any) -> list[Problem]:
    answers = Answers(GOOD | over)
    return [problem for question in QUESTIONS for problem in question(plan, answers)]  # type: ignore[arg-type]


def test_nothing_is_told_of_a_network_that_has_all(plan: GcpPlan) -> None:
    assert told(plan) == []


def test_nothing_is_asked_of_a_network_that_the_stack_makes(tmp_path: Path) -> None:
    answers = Answers({})
    assert [one for question in QUESTIONS for one in question(plan_of(tmp_path), answers)] == []  # type: ignore[arg-type]
    assert answers.asked == []


@pytest.mark.parametrize(
    ("request_", "answer", "key", "words"),
    [
        ("GET projects/my-project/getXpnHost", {}, "project",
         "gcloud compute shared-vpc associated-projects add my-project --host-project=net-project"),
        ("GET projects/my-project/getXpnHost", {"name": "other-host"}, "project", "a service project of other-host"),
        (f"GET {SUBNET}", ABSENT, "subnet", "is not in us-central1 of net-project"),
        (f"GET {SUBNET}", right(network=f"{LINK}-two"), "subnet", "is in another network than shared"),
        (f"GET {SUBNET}", right(privateIpGoogleAccess=False), "subnet", "no Private Google Access"),
        (f"GET {SUBNET}", right(ipCidrRange="10.70.0.0/20"), "subnet", "overlaps 10.64.0.0/10"),
        (f"GET {SUBNET}", right(ipCidrRange="10.128.0.0/30"), "subnet", "holds 0 nodes, and pools have 8"),
        (f"GET {SUBNET}", right(secondaryIpRanges=[{"rangeName": "pods"}]), "servicesRange", "has pods; name one"),
        (f"GET {SUBNET}",
         right(secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.132.0.0/24"}, {"rangeName": "services"}]),
         "podsRange", "has 256 addresses, and nodes take 1,088"),
        (f"GET {HOST}/global/networks/shared", {}, "privateServices",
         "gcloud services vpc-peerings connect --service=servicenetworking.googleapis.com --network=shared"),
    ],
)  # fmt: skip
def test_what_the_network_lacks_stops_the_up(
    request_: str, answer: Any, key: str, words: str, plan: GcpPlan
) -> None:  # fmt: skip
    (found,) = [problem for problem in told(plan, **{request_: answer}) if problem.stops]
    assert found.path == f"cluster.network.existing.{key}"
    assert words in found.message


@pytest.mark.parametrize(
    ("request_", "answer", "words"),
    [
        (f"GET {HOST}/regions/us-central1/routers", [], "no Cloud NAT in us-central1"),
        (f"GET {HOST}/regions/us-central1/routers", [{"network": LINK}], "no Cloud NAT in us-central1"),
        (f"GET {HOST}/global/firewalls", [], "lets tcp 988 in"),
        (f"GET {HOST}/global/firewalls", [{"network": LINK, "direction": "EGRESS", "allowed": [{"IPProtocol": "all"}]}],
         "lets tcp 988 in"),
        (f"POST {HOST}:getIamPolicy", policy(), f"{AGENT.partition(':')[2]} has no {OF_HOST}"),
        (f"GET {SUBNET}/getIamPolicy", policy((USER, AGENT)), f"{APIS.partition(':')[2]} has no {USER}"),
    ],
)  # fmt: skip
def test_what_may_be_there_in_another_form_is_told_and_stops_nothing(
    request_: str, answer: Any, words: str, plan: GcpPlan
) -> None:  # fmt: skip
    (found,) = told(plan, **{request_: answer})
    assert words in found.message
    assert not found.stops


def test_a_role_in_the_whole_project_holds_on_the_subnet(plan: GcpPlan) -> None:
    whole = policy((OF_HOST, AGENT), (USER, AGENT), (USER, APIS))
    assert told(plan, **{f"POST {HOST}:getIamPolicy": whole, f"GET {SUBNET}/getIamPolicy": policy()}) == []


def test_a_network_of_the_stacks_own_project_has_no_host(tmp_path: Path) -> None:
    own = {name: value for name, value in GIVEN.items() if name != "project"}
    changes: dict[str, Any] = {
        "cluster.network": {"existing": own}, "storage.fileSystem": None, f"{TRAIN}.fabric": {"none": "for a while"},
    }  # fmt: skip
    plan = plan_of(tmp_path, **changes)
    answers = Answers(
        {
            "GET projects/my-project/regions/us-central1/subnetworks/nodes": right(ipCidrRange="10.70.0.0/20"),
            "GET projects/my-project/global/networks/shared": {},
            "GET projects/my-project/regions/us-central1/routers": [{"network": LINK, "nats": [{"name": "out"}]}],
        }
    )
    assert [one for question in QUESTIONS for one in question(plan, answers)] == []  # type: ignore[arg-type]
