"""The lock file of versions."""

import re

import pytest

from components.platform.catalog import ADDONS
from components.platform.versions import versions


def test_each_addon_has_a_row_and_each_row_an_addon() -> None:
    assert set(versions()) == set(ADDONS)


@pytest.mark.parametrize("name", sorted(versions()))
def test_a_row_is_whole_and_pinned(name: str) -> None:
    row = versions()[name]
    exact = r"v?\d+\.\d+(\.\d+)?(-[\w.]+)?"
    assert re.fullmatch(exact, row.version)
    assert re.fullmatch(exact, row.app_version)
    assert row.namespace
    assert row.source
    assert row.read.year >= 2026
    assert bool(row.repository) == (bool(row.chart) and not row.chart.startswith("oci://"))
    assert not row.repository or row.repository.startswith("https://")
    text = f"{row.version} {row.app_version} {' '.join(row.images.values())}"
    assert not re.search(r"latest|staging|main\b|HEAD|nightly", text)


@pytest.mark.parametrize("name", sorted(name for name, row in versions().items() if row.images))
def test_an_image_says_its_registry(name: str) -> None:
    for path, image in versions()[name].images.items():
        if not path.endswith(("tag", "_version")):
            assert "." in image.split("/")[0], path


def test_the_software_of_the_lab_is_that_of_real_clusters() -> None:
    """tools/ builds these; one version of each is what a rehearsal proves something about."""
    from tools.lab import version

    for module, addon in (
        ("kueue", "kueue"),
        ("jobset", "jobset"),
        ("trainer", "kubeflow-trainer"),
        ("volcano", "volcano"),
        ("kuberay", "kuberay-operator"),
    ):
        assert versions()[addon].app_version.removeprefix("v") == version(module).removeprefix("v"), addon


def test_a_version_is_compared_by_its_numbers() -> None:
    row = versions()["slurm"]
    assert row.kubernetes_is_enough("1.29")
    assert row.kubernetes_is_enough("v1.100.3")
    assert not row.kubernetes_is_enough("1.9")
