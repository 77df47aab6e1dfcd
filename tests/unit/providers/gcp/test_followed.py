"""Mistakes of a stack file on GCP: each is told with a remedy, and a file that follows it is taken."""

from pathlib import Path
from typing import Any

import pytest

from tests.properties.stack_cases import told_by_plan
from tests.unit.providers.aws.whole_stacks import GONE, changed, mistakes, planned, write
from tests.unit.providers.gcp.first_hour import CASES as FIRST_HOUR
from tests.unit.providers.gcp.whole_stacks import GIVEN, STACK
from tests.unit.providers.gcp.wrong_stacks import CASES


def test_the_stack_has_no_mistake(tmp_path: Path) -> None:
    assert mistakes(STACK, tmp_path, "gcp-test") == []


@pytest.mark.parametrize(
    ("changes", "path", "words", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_told_is_right_when_it_is_followed(
    changes: dict[str, Any], path: str, words: list[str], remedy: dict[str, Any], tmp_path: Path
) -> None:
    wrong = changed(changes, STACK)
    found = mistakes(wrong, tmp_path, "gcp-test")
    there = [problem.message for problem in found if problem.path == path]
    assert len(there) == 1, [str(problem) for problem in found]
    assert all(word in there[0] for word in words), there
    assert mistakes(changed(remedy, wrong), tmp_path, "gcp-test") == []


@pytest.mark.parametrize(
    ("changes", "path", "words", "remedy"), [case[1:] for case in FIRST_HOUR], ids=[case[0] for case in FIRST_HOUR]
)
def test_one_mistake_is_one_message_and_what_it_says_is_right(
    changes: dict[str, Any], path: str, words: list[str], remedy: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing that follows of it is told beside it, as who follows that would be refused again."""
    wrong = changed(changes, STACK)
    (told,) = mistakes(wrong, tmp_path, "gcp-test")
    assert told.path == path
    assert all(word in told.message for word in words), told
    assert mistakes(changed(remedy, wrong), tmp_path, "gcp-test") == []


def test_a_way_in_without_a_value_is_the_one_that_it_names(tmp_path: Path) -> None:
    named = changed({"gcp.controlPlane.reach": {"dnsEndpoint": None}}, STACK)
    assert mistakes(named, tmp_path, "gcp-test") == []


def test_a_bucket_made_of_a_stacks_name_may_not_have_googles_in_it(tmp_path: Path) -> None:
    (told,) = mistakes(STACK, tmp_path, "google-mine")
    assert (told.path, "another name" in told.message) == ("storage.objectStore.name", True)
    assert mistakes(changed({"storage.objectStore.name": "mine-data"}, STACK), tmp_path, "google-mine") == []


@pytest.mark.parametrize(("zone", "warned"), [("us-central1-z", True), ("us-central1-b", False)])
def test_a_zone_that_no_list_has_is_a_warning(zone: str, warned: bool, tmp_path: Path) -> None:
    """Google opens zones, and the preview asks for the machines of each."""
    plan = planned(changed({"cluster.nodePools.1.zone": zone}, STACK), tmp_path, "gcp-test")
    assert any(zone in warning for warning in plan.warnings) is warned


WRONG_FORMS: dict[str, dict[str, Any]] = {
    "gcp.project": {"gcp.project": 123456789012},
    "gcp.controlPlane.reach": {"gcp.controlPlane.reach": {}},
    "gcp.controlPlane.channel": {"gcp.controlPlane.channel": "nightly"},
    "gcp.endpoints": {"gcp.endpoints": {"chat": {}}},
    "gcp.projct": {"gcp.project": GONE, "gcp.projct": "my-project"},
    "gcp.pools.serve.driver": {"gcp.pools": {"serve": {"driver": "570"}}},
    "gcp.pools.serve.flexStart.queued": {
        "cluster.nodePools.1": {
            "name": "serve", "machineType": "g2-standard-8", "zone": "us-central1-b", "count": 0, "maxCount": 1,
        },
        "gcp.pools": {"serve": {"flexStart": {"queued": "maybe"}}},
    },
    "cluster.regoin": {"cluster.region": GONE, "cluster.regoin": "us-central1"},
    "cluster.nodePools.serve.machinetype": {
        "cluster.nodePools.1.machineType": GONE, "cluster.nodePools.1.machinetype": "g2-standard-8",
    },
}  # fmt: skip
"""By path, mistakes of which it is known what was meant, or on which nothing else depends."""


@pytest.mark.parametrize("path", WRONG_FORMS)
def test_a_wrong_form_hides_no_mistake_of_another_place(path: str, tmp_path: Path) -> None:
    others = {
        "cluster.nodePools.0.rootDiskGib": 20,
        "storage.fileSystem.capacityTib": 20,
        "training": {"pool": "trian"},
    }
    lines = told_by_plan(write(changed(WRONG_FORMS[path] | others, STACK), tmp_path, "gcp-test"))
    told = {line.removeprefix("penstock:").partition(": ")[0] for line in lines}
    assert told == {path, "cluster.nodePools.train.rootDiskGib", "storage.fileSystem.capacityTib", "training.pool"}


@pytest.mark.parametrize("name", ["Gcp_Test", "a-stack-that-is-too-long-for-it", "gcp-"])
def test_a_name_that_google_takes_nowhere_is_told(name: str, tmp_path: Path) -> None:
    assert [problem.path for problem in mistakes(STACK, tmp_path, name)] == ["stack"]


def test_all_mistakes_of_all_parts_are_told_at_once(tmp_path: Path) -> None:
    wrong = changed(
        {
            "cluster.nodePools.1.zone": "us-east1-b",
            "cluster.network": {"cidr": "8.0.0.0/12"},
            "gcp.controlPlane.reach": {"publicCidrs": ["0.0.0.0/0"]},
            "storage.fileSystem.capacityTib": 20,
            "gcp.labels": {"Team": "x"},
        },
        STACK,
    )
    assert {problem.path for problem in mistakes(wrong, tmp_path, "gcp-test")} == {
        "cluster.nodePools.serve.zone",
        "cluster.network.cidr",
        "gcp.controlPlane.reach.publicCidrs",
        "storage.fileSystem.capacityTib",
        "gcp.labels.Team",
    }


def test_a_given_network_and_a_way_from_inside_are_taken(tmp_path: Path) -> None:
    given = {"existing": {**GIVEN, "privateServices": True}}
    inside = changed({"cluster.network": given, "gcp.controlPlane.reach": {"inside": {}}}, STACK)
    assert mistakes(inside, tmp_path, "gcp-test") == []
