"""Kubernetes versions of EKS at a time: what is offered, what has ended, and what penstock does not know."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.errors import SpecError
from providers.aws.versions import kubernetes_versions, version_problem
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.unit.providers.aws.whole_stacks import STACK, changed, write

DAY = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "now", "words"),
    [
        ("1.31", DAY, "EKS no longer creates clusters of this version; available: 1.32, 1.33"),
        ("1.52", DAY, "penstock has no add-on versions for it; available: 1.32, 1.33, 1.34, 1.35"),
        ("1.32", datetime(2027, 3, 23, tzinfo=UTC), "extended support ended on 2027-03-23; available: 1.33, 1.34"),
        ("1.33", datetime(2027, 9, 1, tzinfo=UTC), "extended support ended on 2027-07-29; available: 1.34, 1.35"),
        ("1.36", datetime(2030, 1, 1, tzinfo=UTC), "so have all that this penstock knows; take a newer one"),
    ],
)
def test_a_version_of_which_eks_makes_no_cluster_is_told_with_those_that_are_left(
    asked: str, now: datetime, words: str
) -> None:
    problem = version_problem(asked, now)
    assert problem is not None
    assert problem.path == "cluster.kubernetesVersion"
    assert problem.message.startswith(f"{asked!r}: ")
    assert words in problem.message


def test_a_version_is_offered_until_the_day_on_which_its_extended_support_ends() -> None:
    for name, version in kubernetes_versions().items():
        assert version_problem(name, DAY) is None
        assert version_problem(name, version.extended_support_ends) is not None


@pytest.mark.parametrize(
    ("version", "now", "told"),
    [
        ("1.32", DAY, False),
        ("1.33", datetime(2027, 9, 1, tzinfo=UTC), True),
        ("1.34", datetime(2027, 9, 1, tzinfo=UTC), False),
    ],
)
def test_a_stack_is_judged_at_the_time_of_its_plan(version: str, now: datetime, told: bool, tmp_path: Path) -> None:
    later: dict[str, Any] = {"cluster.expiresAt": "2028-01-01T00:00:00Z", "cluster.kubernetesVersion": version}
    spec = read_path(write(changed(later, STACK), tmp_path, "aws-test"))
    if told:
        with pytest.raises(SpecError, match=r"1 problem.*\n.*1\.33': EKS creates none since"):
            plan_stack(spec, "aws-test", now)
    else:
        assert plan_stack(spec, "aws-test", now).cluster.kubernetes is not None
