"""`penstock rehearse` around a rehearsal: what it is given, and what is printed of what it gives back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from components.errors import PenstockError
from engine.events import Diagnostic, ResourceStep
from engine.events import EventPhase as Step
from penstock.__main__ import app
from penstock.summary import TITLE
from rehearsal import cycle
from rehearsal.cycle import Phase, Rehearsal, Report

UP = Phase(name="up", created=3, updated=0, replaced=0, deleted=0, same=0, seconds=2.0, problem="")
NET = ResourceStep(phase=Step.FINISHED, op="create", urn="urn:pulumi:a::b::c::net", type="aws:ec2/vpc:Vpc")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: infrastructure\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def played(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Phase], dict[str, Any]]:
    """Puts a rehearsal of one phase in the real one's place; gives what that is called with."""

    def play(phase: Phase) -> dict[str, Any]:
        given: dict[str, Any] = {}

        def rehearse(what: Rehearsal, stack: str, **others: Any) -> Report:
            given.update(others, what=what, stack=stack)
            listener = others["listener"]
            listener.on_begin("up", 0)
            listener.watch.on_event(Diagnostic(severity="warning", message="dear"))
            listener.watch.on_event(NET)
            listener.on_phase(phase)
            return Report(stack=stack, rehearsal=what, phases=(phase,), kept=None, notes=("port 8123",))

        monkeypatch.setattr(cycle, "rehearse", rehearse)
        return given

    return play


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["rehearse", *arguments])


def test_the_verdict_is_the_last_line(played: Callable[[Phase], dict[str, Any]], project: Path) -> None:
    given = played(UP)
    shown = run("up", "dev", "--keep")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "    warning dear",
        TITLE,
        "up                3                                    2.0 s           ok",
        "",
        "port 8123",
        "OK: 1 phase did what it must; nothing is left (2 s)",
    ]
    assert (given["what"], given["stack"], given["project"], given["keep"]) == (Rehearsal.UP, "dev", project, True)


def test_resources_are_listed_on_demand(played: Callable[[Phase], dict[str, Any]]) -> None:
    played(UP)
    assert "created aws:ec2/vpc:Vpc net" in run("up", "Pulumi.dev.yaml", "-v").stdout


def test_a_failure_is_told_under_its_phase_and_in_the_status(played: Callable[[Phase], dict[str, Any]]) -> None:
    played(replace(UP, problem="no quota for [p5]", words=("asked twice",)))
    shown = run("up", "dev", "--json", "report.json")
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[2:] == [
        "up                3                                    2.0 s           FAILED",
        "    no quota for [p5]",
        "    the program printed:",
        "      asked twice",
        "",
        "port 8123",
        "FAILED: up: no quota for [p5] (2 s)",
    ]
    assert '"ok": false' in Path("report.json").read_text()


def test_what_cannot_work_is_told_before_anything_begins(played: Callable[[Phase], dict[str, Any]]) -> None:
    given = played(UP)
    Path("empty.yaml").touch()
    Path("elsewhere").mkdir()
    Path("elsewhere/Pulumi.dev.yaml").write_text("config: {}\n")
    for arguments, message in {
        ("--json", "none/report.json"): "none/report.json: the folder none does not exist; make it",
        ("--faults", "empty.yaml"): "empty.yaml: holds no fault",
    }.items():
        refused = run("up", "dev", *arguments)
        assert isinstance(refused.exception, PenstockError)
        assert message in str(refused.exception)
    beside = run("up", "elsewhere/Pulumi.dev.yaml")
    assert "is not among the project's stack files; copy it to " in str(beside.exception)
    assert given == {}


def test_faults_of_a_stack_without_a_simulated_cloud_are_refused(project: Path) -> None:
    """Rather than looked over in silence."""
    faults = project / "faults.yaml"
    faults.write_text("throttle: {rate: 0.3}\n")
    (project / "Pulumi.dev.yaml").write_text("config: {penstock:cluster: {cloud: local}}\n")
    refused = run("preview", "dev", "--faults", str(faults))
    assert isinstance(refused.exception, PenstockError)
    assert "--faults: faults need a simulated cloud" in str(refused.exception)
