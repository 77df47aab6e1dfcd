"""A made-up cloud, added without an edit of penstock, on the real engine: a cycle, and an engine that is killed."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli import find_pulumi
from engine.errors import CliMissingError
from providers.registry import MODULES
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.faults import FaultScript
from tests.contract.made_up_cloud.registration import MADE_UP, register

CLOUD = Path(__file__).parent / "made_up_cloud"
LONGEST = 400


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, repository: Path, tmp_path: Path) -> Path:
    """A copy of the cloud's project; the cloud is registered while the test runs."""
    try:
        find_pulumi()
    except CliMissingError as error:
        pytest.skip(str(error))
    monkeypatch.setitem(MODULES, MADE_UP, "")
    register()
    folder = tmp_path / "project"
    shutil.copytree(CLOUD / "project", folder)
    settings = (folder / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(settings.replace("../../../..", str(repository)))
    return folder


def rehearsed(project: Path, rehearsal: Rehearsal = Rehearsal.CYCLE, **faults: Any) -> Report:
    script = FaultScript.model_validate(faults) if faults else None
    return rehearse(rehearsal, MADE_UP, project=project, faults=script)


def test_the_two_folders_of_a_cloud_are_short() -> None:
    folders = (CLOUD / "provider", CLOUD / "simulation")
    files = [file for folder in folders for file in folder.rglob("*.py")]
    assert sum(len(file.read_text().splitlines()) for file in files) < LONGEST


def test_a_cycle_leaves_nothing(project: Path) -> None:
    report = rehearsed(project)
    assert report.ok, [str(phase) for phase in report.phases]
    assert [phase.name for phase in report.phases] == ["up", "up again", "refresh", "destroy"]
    account = report.account
    assert account
    made = {name for name in account.requests_by_operation if ":Create" in name}
    assert made == {"network:CreateNetwork", "kubernetes:CreateCluster", "kubernetes:CreatePool"}
    assert report.phases[0].simulated_min >= 12  # a cluster is ready after 8 minutes, its pools 4 later


def test_a_killed_engine_and_a_pool_that_lacks_machines_are_recovered(project: Path) -> None:
    report = rehearsed(
        project, Rehearsal.UP, kill=[{"atRequest": 2}], capacity=[{"machineType": "fast"}],
        errors=[{"operation": "network:CreateNetwork", "code": "INTERNAL"}], quotas={"machines": 3},
    )  # fmt: skip
    assert report.ok, [str(phase) for phase in report.phases]
    assert report.account
    assert report.account.unused_faults == (
        "quota machines of 3 (3 used)",
    )  # as many as the stack has: it refuses none
    assert report.account.requests_by_operation["network:CreateNetwork"] == 1
