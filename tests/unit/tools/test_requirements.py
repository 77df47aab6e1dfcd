"""The pinned requirements: one version of a package for all files, every one by its hashes, no address."""

import re
from pathlib import Path

import pytest

FILES = ("all.txt", "plan.txt", "ray.txt", "trackers.txt", "uv.txt", "go.txt")


def pins(repository: Path, name: str) -> dict[tuple[str, str], str]:
    """Version by (package, marker)."""
    text = (repository / "requirements" / name).read_text()
    found = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z]+\])?==(\S+)(?: ; (.+?))? \\$", text, re.MULTILINE)
    return {(package, marker): version for package, version, marker in found}


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_hashes_and_no_address(repository: Path, name: str) -> None:
    text = (repository / "requirements" / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)
    assert len(pins(repository, name)) == len(entries)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|--index|--find-links", text)


def test_a_profile_has_the_versions_of_the_full_one(repository: Path) -> None:
    whole, plan = pins(repository, "all.txt"), pins(repository, "plan.txt")
    assert plan.items() <= whole.items()
    assert {"pulumi", "pulumi-aws", "moto", "hatchling", "editables"} <= {package for package, _ in plan}
    assert not {"torch", "pytest", "mypy", "openai"} & {package for package, _ in plan}


@pytest.mark.parametrize(("package", "name"), [("ray", "ray.txt"), ("wandb", "trackers.txt")])
def test_what_is_optional_changes_nothing_of_the_rest(repository: Path, package: str, name: str) -> None:
    whole, more = pins(repository, "all.txt"), pins(repository, name)
    assert {key: version for key, version in more.items() if key in whole} == {
        key: version for key, version in whole.items() if key in more
    }
    assert package not in {package for package, _ in whole}
    assert package in {package for package, _ in more}
