"""The image's lock and recipe: everything that the workloads import is in it, pinned."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

OWN = {"components", "workloads"}
LOCKS = ("requirements.txt", "ray.txt", "trackers.txt")
OPTIONAL = {"ray": "ray.txt", "wandb": "trackers.txt", "mlflow": "trackers.txt"}
"""Packages that `make setup` leaves out, by the lock that has them."""
PURE = ("components/spec", "components/plan", "components/estimate", "components/errors.py", "components/catalog.py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def sources(repository: Path) -> Iterator[Path]:
    yield from (repository / "workloads").rglob("*.py")
    for name in PURE:
        path = repository / name
        yield from path.rglob("*.py") if path.is_dir() else (path,)


def locked(repository: Path, name: str = "requirements.txt") -> dict[str, str]:
    """By package, its whole entry."""
    text = (repository / "images" / "cuda" / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)
    return {
        entry.split("==")[0].split("[")[0].strip().replace("_", "-").lower(): entry
        for entry in entries
        if "==" in entry
    }


def test_all_that_the_workloads_import_is_in_the_lock(repository: Path) -> None:
    found = {name for path in sources(repository) for name in imported(path)} - sys.stdlib_module_names - OWN
    assert "torch" in found
    distributions = packages_distributions()
    lock = locked(repository)
    for module in sorted(found - OPTIONAL.keys()):
        names = {name.replace("_", "-").lower() for name in distributions[module]}
        assert names & lock.keys(), f"{module} is not in images/cuda/requirements.txt"


def test_what_ray_adds_changes_nothing_of_the_rest(repository: Path) -> None:
    plain, ray = locked(repository), locked(repository, "ray.txt")
    assert "ray" in ray
    assert {name: entry.split()[0] for name, entry in ray.items() if name in plain} == {
        name: entry.split()[0] for name, entry in plain.items()
    }


def test_trackers_have_the_versions_of_the_rest(repository: Path) -> None:
    trackers = locked(repository, "trackers.txt")
    assert {"wandb", "mlflow-skinny"} <= trackers.keys()
    for name in ("requirements.txt", "ray.txt"):
        other = locked(repository, name)
        both = trackers.keys() & other.keys()
        assert both, name
        assert {key: trackers[key].split()[0] for key in both} == {key: other[key].split()[0] for key in both}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_version_and_hash(name: str, repository: Path) -> None:
    lock = locked(repository, name)
    assert len(lock) > 30
    for package, entry in lock.items():
        assert re.match(r"\S+==\S+", entry), package
        assert "--hash=sha256:" in entry, package


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_the_versions_that_are_tested_here(name: str, repository: Path) -> None:
    tested = (repository / "requirements" / "all.txt").read_text()
    for package, entry in locked(repository, name).items():
        pinned = entry.split()[0].rstrip("\\")
        if f"\n{package}==" in tested:
            assert f"\n{pinned} " in tested, f"{pinned} is another version in requirements/all.txt"


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_registry(name: str, repository: Path) -> None:
    text = (repository / "images" / "cuda" / name).read_text()
    assert not re.search(r"https?://|--index-url|--find-links", text)


@pytest.mark.parametrize("folder", ["components", "workloads"])
def test_the_recipe_copies_what_the_workloads_are_made_of(folder: str, repository: Path) -> None:
    recipe = (repository / "images" / "cuda" / "Containerfile").read_text()
    assert f"COPY {folder} /opt/penstock/{folder}" in recipe
    assert "--require-hashes" in recipe
    assert not re.search(
        r"^FROM \S+(:latest)?$", recipe.replace("FROM ${BASE}", "").replace("FROM workloads", ""), re.M
    )
    assert f"!{folder}" in (repository / ".containerignore").read_text()


def test_the_workloads_never_import_what_is_left_out_of_the_image(repository: Path) -> None:
    """No engine, no clouds, no simulators: they are not there."""
    left_out = {"penstock", "providers", "stacks", "rehearsal", "policies", "tools", "pulumi", "yaml", "httpx", "grpc"}
    for path in sources(repository):
        assert not left_out & set(imported(path)), path
