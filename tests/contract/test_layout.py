"""What every cloud and every scheduler has in common, and what the packages may not be shadowed by."""

import importlib
import inspect
from pathlib import Path

import pytest

from components.provider import CloudProvider
from components.spec.cluster import Cloud, SchedulerKind
from providers import load

PACKAGES = ("components", "penstock", "policies", "providers", "rehearsal", "stacks", "tools", "workloads")
PROVIDER_FILES = {"__init__.py", "catalog.py", "plan.py", "preflight.py"}
SCHEDULER_FILES = {"__init__.py", "render.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_the_one_of_this_checkout(package: str, repository: Path) -> None:
    """The names are general: a package of another distribution could stand before ours."""
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).is_relative_to(repository)


@pytest.mark.parametrize("cloud", Cloud)
def test_a_cloud_is_one_folder_with_the_same_files(cloud: Cloud, repository: Path) -> None:
    there = {path.name for path in (repository / "providers" / cloud).iterdir()}
    assert there >= PROVIDER_FILES


@pytest.mark.parametrize("cloud", Cloud)
def test_a_cloud_has_the_verbs_of_the_protocol(cloud: Cloud) -> None:
    provider = load(cloud)
    for verb in ("catalog", "plan", "preflight", "build"):
        asked = list(inspect.signature(getattr(CloudProvider, verb)).parameters)[1:]
        assert list(inspect.signature(getattr(provider, verb)).parameters) == asked, verb


@pytest.mark.parametrize("cloud", Cloud)
def test_a_clouds_catalog_is_whole(cloud: Cloud) -> None:
    catalog = load(cloud).catalog()
    assert catalog.machine_types
    assert catalog.capabilities.schedulers
    for name, machine in catalog.machine_types.items():
        assert machine.name == name
        assert (machine.accelerator is None) == (machine.accelerator_count == 0)


@pytest.mark.parametrize("cloud", Cloud)
def test_a_cloud_has_a_stack_to_start_from_and_a_golden_case(cloud: Cloud, repository: Path) -> None:
    assert list((repository / "stacks").glob(f"Pulumi.{cloud}*.yaml"))
    assert list((repository / "tests" / "golden").glob(f"{cloud}-*/stack.yaml"))


@pytest.mark.parametrize("kind", SchedulerKind)
def test_a_scheduler_is_one_folder_with_the_same_files(kind: SchedulerKind, repository: Path) -> None:
    there = {path.name for path in (repository / "components" / "schedulers" / kind).iterdir()}
    assert there >= SCHEDULER_FILES
