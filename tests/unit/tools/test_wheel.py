"""Files that leave the repository: git takes no stack of a user's own, and the wheel holds only penstock's."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from penstock.images.context import PLACES

PACKAGES = {
    *("components", "engine", "lab", "penstock", "plugin", "policies", "providers", "rehearsal", "stacks", "tools"),
    "workloads",
}


@pytest.fixture
def own_stack(repository: Path) -> Iterator[Path]:
    """A stack file with a salt, as a user has it in his clone; each worker of pytest its own."""
    file = repository / "stacks" / f"Pulumi.tests-wheel-{os.getpid()}.yaml"
    file.write_text("encryptionsalt: v1:secret\nconfig: {}\n")
    yield file
    file.unlink()


def git(repository: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(repository), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode > 1:
        pytest.skip("not a clone")
    return result.stdout.splitlines()


def test_the_wheel_holds_only_files_of_penstock(repository: Path, own_stack: Path) -> None:
    files = list(WheelBuilder(str(repository)).recurse_included_files())
    packed = {Path(file.distribution_path) for file in files}
    sources = {Path(file.path).relative_to(repository) for file in files}
    known = {Path(name) for name in git(repository, "ls-files", "--cached", "--others", "--exclude-standard")}
    assert Path("stacks/__main__.py") in packed
    assert Path("providers/aws/machine_types.toml") in packed
    assert sources <= known
    assert [path for path in packed if path.parts[0] == "stacks" and path.suffix != ".py"] == []
    assert {path.parts[0] for path in packed} <= PACKAGES


def test_the_wheel_holds_the_recipe_of_images_where_penstock_looks_for_it(repository: Path) -> None:
    packed = {
        Path(file.path): file.distribution_path for file in WheelBuilder(str(repository)).recurse_included_files()
    }
    checkout, installed = (place.relative_to(repository) for place in PLACES)
    recipe = [repository / name for name in git(repository, "ls-files", str(checkout))]
    assert repository / checkout / "Containerfile" in recipe
    assert [packed[file] for file in recipe] == [str(installed / file.name) for file in recipe]


def test_git_ignores_a_stack_of_ones_own_and_no_shipped_one(repository: Path, own_stack: Path) -> None:
    assert git(repository, "check-ignore", "--no-index", str(own_stack)) == [str(own_stack)]
    shipped = git(repository, "ls-files", "stacks/Pulumi.*.yaml")
    assert len(shipped) >= 8
    assert git(repository, "check-ignore", "--no-index", *shipped) == []
