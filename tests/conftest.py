"""What every test may ask for."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that is tested."""
    return Path(__file__).parent.parent


SLOW = (
    "rehearsal/test_aws_stacks.py",
    "workloads/pretrain",
    "lab/test_stacks.py",
    "lab/test_stacks_of_schedulers.py",
    "lab",
    "rehearsal",
    "workloads",
    "slurm",
)
"""What takes minutes, the longest first: no worker is left with one of them at the end."""

SHARED = frozenset({"host", "shape"})
"""Fixtures of a session that are slow to make (a warm agent, a lab): one process runs all tests that ask for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the files; within one it stays. Where several processes run them, one takes a whole file."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        file = item.path.relative_to(here)
        return next((index for index, slow in enumerate(SLOW) if file.is_relative_to(slow)), len(SLOW))

    items.sort(key=place)
    for item in items:
        shared = SHARED.intersection(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.xdist_group(min(shared, default=str(item.path.relative_to(here)))))
