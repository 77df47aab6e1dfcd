"""Fixtures of every test."""

import shutil
from pathlib import Path, PurePath

import pytest

PROJECT = (
    "Pulumi.yaml", "components", "engine", "plugin", "policies", "providers", "workloads", ".venv", "pyproject.toml",
)  # fmt: skip
"""Files and folders that the engine and the programs it starts read of a project, beside `stacks`."""


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that is tested."""
    return Path(__file__).parent.parent


@pytest.fixture
def project(repository: Path, tmp_path: Path) -> Path:
    """The project with state and stack files of its own: the user's rehearsals go on beside it."""
    for name in PROJECT:
        (tmp_path / name).symlink_to(repository / name)
    shutil.copytree(repository / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


SLOW = (
    "rehearsal/test_aws_stacks.py",
    "workloads/pretrain",
    "lab/test_faults.py",
    "lab/test_stacks_of_schedulers.py",
    "lab/test_changed_stacks.py",
    "lab/test_stacks.py",
    "lab/test_shut_pools.py",
    "lab",
    "rehearsal",
    "workloads",
    "slurm",
)
"""Tests that take minutes, the longest first: no worker is left with one of them at the end."""

TOGETHER = (
    ("workloads/pretrain",),
    (
        "lab/node",
        "lab/test_barrier.py",
        "lab/test_control_plane.py",
        "lab/test_gate.py",
        "lab/test_kubernetes_provider.py",
        "lab/test_schedulers.py",
    ),
)
"""Files that share something that is slow to make (a warm agent, a lab): one process runs them, one after the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the files; within one it stays."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        file = item.path.relative_to(here)
        return next((index for index, slow in enumerate(SLOW) if file.is_relative_to(slow)), len(SLOW))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """With `--dist loadfile` the files of TOGETHER are given to a process as if they were one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it has no types

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # likewise
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0].removeprefix("tests/")
            return next((group[0] for group in TOGETHER if any(_is_below(file, one) for one in group)), file)

    return Scheduling(config, log)


def _is_below(file: str, place: str) -> bool:
    return PurePath(file).is_relative_to(place)
