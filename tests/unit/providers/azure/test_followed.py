"""Mistakes of a stack file on Azure: each is told with a remedy, and a file that follows it is taken."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.providers.aws.whole_stacks import changed, mistakes
from tests.unit.providers.azure.whole_stacks import GIVEN, STACK
from tests.unit.providers.azure.wrong_stacks import CASES


def test_the_stack_has_no_mistake(tmp_path: Path) -> None:
    assert mistakes(STACK, tmp_path, "azure-test") == []


@pytest.mark.parametrize(
    ("changes", "path", "words", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_told_is_right_when_it_is_followed(
    changes: dict[str, Any], path: str, words: list[str], remedy: dict[str, Any], tmp_path: Path
) -> None:
    wrong = changed(changes, STACK)
    found = mistakes(wrong, tmp_path, "azure-test")
    there = [problem.message for problem in found if problem.path == path]
    assert len(there) == 1, [str(problem) for problem in found]
    assert all(word in there[0] for word in words), there
    assert mistakes(changed(remedy, wrong), tmp_path, "azure-test") == []


@pytest.mark.parametrize("name", ["Azure_Test", "a-stack-whose-name-is-longer-than-groups-take", "azure-"])
def test_a_name_that_azure_takes_nowhere_is_told(name: str, tmp_path: Path) -> None:
    assert [problem.path for problem in mistakes(STACK, tmp_path, name)] == ["stack"]


def test_all_mistakes_of_all_parts_are_told_at_once(tmp_path: Path) -> None:
    wrong = changed(
        {
            "cluster.nodePools.1.zone": "9",
            "cluster.network": {"cidr": "8.0.0.0/12"},
            "azure.controlPlane.reach": {"publicCidrs": ["0.0.0.0/0"]},
            "storage.fileSystem.capacityTib": 20,
            "azure.tags": {"azure": "x"},
        },
        STACK,
    )
    assert {problem.path for problem in mistakes(wrong, tmp_path, "azure-test")} == {
        "cluster.nodePools.serve.zone",
        "cluster.network.cidr",
        "azure.controlPlane.reach.publicCidrs",
        "storage.fileSystem.capacityTib",
        "azure.tags.azure",
    }


def test_a_given_network_and_a_way_from_inside_are_taken(tmp_path: Path) -> None:
    given = {"cluster.network": {"existing": GIVEN}, "azure.controlPlane.reach": {"inside": {}}}
    assert mistakes(changed(given, STACK), tmp_path, "azure-test") == []
