"""Mistakes about what AWS has where and when: each is told with a remedy, and a file that follows it is taken."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.providers.aws.whole_stacks import changed, mistakes
from tests.unit.providers.aws.wrong_accounts import (
    CONTROL_PLANES,
    FIRST,
    PARTITIONS,
    PLACES,
    RESERVATIONS,
)
from tests.unit.providers.aws.wrong_images import IMAGES
from tests.unit.providers.aws.wrong_inside import INSIDE
from tests.unit.providers.aws.wrong_networks import NETWORKS

CASES = [*PLACES, *RESERVATIONS, *PARTITIONS, *CONTROL_PLANES, *NETWORKS, *IMAGES, *FIRST, *INSIDE]


@pytest.mark.parametrize(
    ("changes", "path", "words", "remedy"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_told_is_right_when_it_is_followed(
    changes: dict[str, Any], path: str, words: list[str], remedy: dict[str, Any], tmp_path: Path
) -> None:
    wrong = changed(changes)
    found = mistakes(wrong, tmp_path)
    there = [problem.message for problem in found if problem.path == path]
    assert len(there) == 1, [str(problem) for problem in found]
    assert all(word in there[0] for word in words), there
    assert mistakes(changed(remedy, wrong), tmp_path) == []
