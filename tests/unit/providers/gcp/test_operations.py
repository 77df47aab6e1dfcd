"""Pools set to no nodes and back, APIs waited for, and networks freed: by requests to Google."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.errors import PenstockError
from providers.gcp import answering, drain, operations
from tests.unit.providers.gcp.answers import ABSENT, OFF, Answers

POOL = "projects/p/locations/us-central1/clusters/c/nodePools/train"
MANAGER = "projects/p/zones/us-central1-a/instanceGroupManagers/gke-c-train"
GROUP = f"https://www.googleapis.com/compute/v1/{MANAGER.replace('Managers', 's')}"
FIXED = {
    "cloud": "gcp", "project": "p", "location": "us-central1", "cluster": "c", "group": "train", "zone": "zone-a",
    "least": "2", "most": "2",
}  # fmt: skip
RANGE = {**FIXED, "least": "1", "most": "6"}
THERE: dict[str, Any] = {
    f"GET {POOL}": {"instanceGroupUrls": [GROUP]},
    f"GET {MANAGER}": {"targetSize": 4},
    f"POST {POOL}:setSize": {"name": "op-1"},
    f"POST {POOL}:setAutoscaling": {"name": "op-2"},
}


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Answers:
    found = Answers(THERE)
    monkeypatch.setattr(operations, "session", lambda **_: found)
    return found


def test_a_fixed_pool_is_set_to_its_size_and_waited_for(google: Answers) -> None:
    assert operations.restore(FIXED, 2) == 2
    assert google.bodies == {f"{POOL}:setSize": {"nodeCount": 2}}
    assert google.asked[-1] == "WAIT projects/p/locations/us-central1/operations/op-1"


def test_a_pool_with_a_range_keeps_the_nodes_that_it_has(google: Answers) -> None:
    assert operations.restore(RANGE, 2) == 4
    assert google.bodies[f"{POOL}:setAutoscaling"]["autoscaling"]["minNodeCount"] == 1


def test_the_autoscaler_is_kept_from_a_pool_that_is_shut(google: Answers) -> None:
    """With its least size it would bring the nodes back."""
    operations.scale_to_zero(RANGE)
    assert google.bodies[f"{POOL}:setAutoscaling"]["autoscaling"]["minNodeCount"] == 0
    assert google.bodies[f"{POOL}:setSize"] == {"nodeCount": 0}


def test_limits_alone_change_no_size_that_is_within(google: Answers) -> None:
    operations.limit(RANGE)
    assert f"{POOL}:setSize" not in google.bodies
    operations.limit(FIXED)
    assert google.bodies[f"{POOL}:setSize"] == {"nodeCount": 2}


def test_a_shortage_is_told_in_googles_words(google: Answers) -> None:
    google.answers[f"GET {POOL}"] = {"conditions": [{"message": "stockout in zone"}], "instanceGroupUrls": [GROUP]}
    google.answers[f"GET {MANAGER}/listErrors"] = [{"error": {"message": "ZONE_RESOURCE_POOL_EXHAUSTED"}}]
    told = operations.shortage(FIXED)
    assert told.startswith("stockout in zone; ZONE_RESOURCE_POOL_EXHAUSTED (Google tells a lack of quota and one of")


@pytest.mark.parametrize(
    ("message", "either"),
    [
        ("Instance 'gke-1' creation failed: Quota 'GPUS_ALL_REGIONS' exceeded", True),
        ("GCE_STOCKOUT", True),
        ("The zone 'projects/p/zones/z' does not have enough resources available to fulfill the request", True),
        ("IP space of 'pods' is exhausted", False),
    ],
)
def test_a_lack_of_quota_may_be_one_of_machines(message: str, either: bool, google: Answers) -> None:
    """One is told for the other (GoogleCloudPlatform/ai-on-gke 849)."""
    google.answers[f"GET {POOL}"] = {"conditions": [{"message": message}]}
    assert ("look at both" in operations.shortage(FIXED)) == either


def test_a_refusal_names_the_pool(google: Answers) -> None:
    google.answers[f"POST {POOL}:setSize"] = ABSENT
    with pytest.raises(PenstockError, match="train could not be set to no nodes: it was not found"):
        operations.scale_to_zero(FIXED)


def test_an_api_has_to_answer_several_times_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.gcp.answering.time.sleep", lambda _: None)
    states: Iterator[Any] = iter([OFF, {}, OFF, {}, {}, {}])
    google = Answers({"GET projects/p/regions": lambda: next(states)})
    said: list[str] = []
    answering.await_answers(google, "p", ["compute.googleapis.com"], said.append, 60)  # type: ignore[arg-type]
    assert len(google.asked) == 6
    assert said == ["waits for compute.googleapis.com, which was switched on"] * 2


def test_an_api_that_stays_off_is_told_when_patience_ends() -> None:
    google = Answers({"GET projects/p/regions": OFF})
    with pytest.raises(PenstockError, match=r"compute\.googleapis\.com does not answer"):
        answering.await_answers(google, "p", ["compute.googleapis.com"], print, 0)  # type: ignore[arg-type]


def left_behind(network: str = "n") -> dict[str, Any]:
    """Lists of a project in which GKE left a disk, an endpoint group and a firewall rule."""
    link = "https://www.googleapis.com/compute/v1/projects/p"
    of_network = {"network": f"{link}/global/networks/{network}"}
    empty: dict[str, Any] = {f"GET projects/p/aggregated/{kind}": [] for kind in drain._KINDS}
    group = {"name": "k8s1-neg", "selfLink": f"{link}/zones/z/networkEndpointGroups/k8s1-neg", **of_network}
    rules = [
        {"name": "k8s-fw", "selfLink": f"{link}/global/firewalls/k8s-fw", **of_network},
        {"name": "our-own", "selfLink": f"{link}/global/firewalls/our-own", **of_network},
    ]
    disks = [
        {"name": "pvc-1", "selfLink": f"{link}/zones/z/disks/pvc-1", "labels": {drain.CLUSTER_LABEL: "c"}},
        {
            "name": "in-use",
            "selfLink": f"{link}/zones/z/disks/in-use",
            "labels": {drain.CLUSTER_LABEL: "c"},
            "users": [1],
        },
        {"name": "other", "selfLink": f"{link}/zones/z/disks/other", "labels": {drain.CLUSTER_LABEL: "d"}},
    ]
    return empty | {
        "GET projects/p/aggregated/networkEndpointGroups": [group],
        "GET projects/p/global/firewalls": rules,
        "GET projects/p/aggregated/disks": disks,
    }


INPUTS: dict[str, Any] = {"project": "p", "region": "r", "cluster": "c", "network": "n", "own": True, "patienceS": 0}


@pytest.mark.parametrize(
    ("inputs", "network", "gone"),
    [
        (INPUTS, "n", ["zones/z/disks/pvc-1", "zones/z/networkEndpointGroups/k8s1-neg", "global/firewalls/k8s-fw"]),
        (INPUTS, "another", ["zones/z/disks/pvc-1"]),
        ({**INPUTS, "own": False}, "n", ["zones/z/disks/pvc-1"]),
    ],
)
def test_only_what_gke_left_for_this_cluster_is_deleted(inputs: dict[str, Any], network: str, gone: list[str]) -> None:
    """Never another's, nor anything in a network that is not the stack's own."""
    google = Answers(left_behind(network))
    with pytest.raises(PenstockError, match="still there"):  # the lists of this test never change
        drain.drain(google, inputs, print)  # type: ignore[arg-type]
    deleted = [one.removeprefix("DELETE projects/p/") for one in google.asked if one.startswith("DELETE")]
    assert deleted == gone


def test_a_network_with_nothing_left_is_done_at_once() -> None:
    empty: dict[str, Any] = {request: [] for request in left_behind()}
    drain.drain(Answers(empty), INPUTS, print)  # type: ignore[arg-type]
