"""A small cluster on the simulated Google Cloud, through the real engine: what is refused, what fails, what goes on."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli import Command, Engine
from engine.process import Result
from rehearsal.cycle import Rehearsal, Report, rehearse
from rehearsal.faults import FaultScript
from rehearsal.places.cloud import Simulation, simulated
from rehearsal.providers.gcp.rules import RULES
from tests.rehearsal.conftest import TINY

GCP = TINY.parent / "gcp_tiny"
RESOURCES = 10  # of Google Cloud's own; the engine counts the stack and the provider too
COUNTED = RESOURCES + 2
POOL = "gcp:container/nodePool:NodePool"


class TinyGcp:
    """A copy of the program with a stack file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(GCP, folder)
        environment = GCP.parents[2] / ".venv"
        settings = (folder / "Pulumi.yaml").read_text().replace("../../../.venv", str(environment))
        (folder / "Pulumi.yaml").write_text(settings)
        (folder / "stacks").mkdir()
        self.configure()

    @property
    def file(self) -> Path:
        return self.folder / "stacks" / "Pulumi.dev.yaml"

    def configure(self, **settings: str | int) -> None:
        """Writes the settings into the stack file."""
        config: dict[str, Any] = {f"gcp-tiny:{name}": value for name, value in settings.items()}
        content = {"config": {"penstock:cluster": {"cloud": "gcp"}, "gcp:project": "tiny-project"} | config}
        self.file.write_text(yaml.safe_dump(content))

    def rehearse(self, rehearsal: Rehearsal = Rehearsal.CYCLE, **faults: Any) -> Report:
        return rehearse(rehearsal, "dev", project=self.folder, faults=FaultScript.model_validate(faults))


@pytest.fixture
def tiny_gcp(pulumi: Path, tmp_path: Path) -> TinyGcp:
    return TinyGcp(tmp_path / "gcp-tiny")


@contextmanager
def deployed(tiny: TinyGcp) -> Iterator[tuple[Engine, Simulation]]:
    with simulated(RULES, tiny.file, tiny.folder / "account", None, preview=False) as simulation:
        engine = Engine(
            project=tiny.folder, home=tiny.folder / "home", backend=tiny.folder / "backend",
            passphrase=secrets.token_hex(8), env=simulation.env,
        )  # fmt: skip
        engine.stack_init("dev").require_ok()
        yield engine, simulation


def run(tiny: TinyGcp, engine: Engine, command: Command, **settings: str | int) -> Result:
    tiny.configure(**settings)
    return engine.start(command, "dev").wait()


def test_a_cycle_leaves_nothing_and_says_who_judged(tiny_gcp: TinyGcp) -> None:
    report = tiny_gcp.rehearse()
    assert report.ok, [str(phase) for phase in report.phases]
    counts = [(phase.name, phase.created, phase.deleted, phase.same) for phase in report.phases]
    assert counts == [
        ("up", COUNTED, 0, 0), ("up again", 0, 0, COUNTED), ("refresh", 0, 0, COUNTED), ("destroy", 0, COUNTED, 0)
    ]  # fmt: skip
    assert report.account
    assert not report.account.left
    assert not report.account.uncovered
    made = report.account.requests_by_operation
    assert made["container:projects.locations.clusters.nodePools.create"] == 2
    assert made["container:projects.locations.clusters.nodePools.delete"] == 3  # GKE's own first pool too
    assert set(report.account.requests_by_oracle) == {"Google's discovery documents, kept by the account"}
    assert report.phases[0].simulated_min >= 11 + 2 + 6  # the cluster, then one pool after the other


def test_an_illegal_value_is_refused_in_the_preview(tiny_gcp: TinyGcp) -> None:
    tiny_gcp.configure(driver="NEWEST", disk="hyperdisk-balanced")
    report = tiny_gcp.rehearse(Rehearsal.PREVIEW)
    assert not report.ok
    assert "hyperdisk-balanced disk type cannot be used by g2-standard-48 machine type" in report.phases[0].problem
    tiny_gcp.configure(driver="NEWEST")
    report = tiny_gcp.rehearse(Rehearsal.PREVIEW)
    assert "gpuDriverVersion: 'NEWEST' is not one of" in report.phases[0].problem


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_update_replace_drift_and_protection(tiny_gcp: TinyGcp) -> None:
    with deployed(tiny_gcp) as (engine, simulation):
        assert run(tiny_gcp, engine, "up", protected="true").ok
        assert str(engine.export_state("dev").outputs["endpoint"]).endswith(".us-central1.gke.goog")
        grown = run(tiny_gcp, engine, "up", protected="true", nodes=3, label="more")
        assert dict(grown.changed) == {"update": 1}
        replaced = run(tiny_gcp, engine, "up", protected="true", nodes=3, label="more", driver="DEFAULT")
        assert {(step.op, step.name) for step in replaced.changing_steps} >= {("replace", "train")}
        (pool,) = [one for one in simulation.cloud.account.objects() if one.token == POOL and one.called == "train"]
        simulation.cloud.change_from_outside(pool, {"nodeCount": 1})
        seen = run(tiny_gcp, engine, "refresh", protected="true", nodes=3, label="more", driver="DEFAULT")
        assert dict(seen.changed) == {"update": 1}
        kept = run(tiny_gcp, engine, "destroy", protected="true")
        assert any("deletion_protection is set to true" in error for error in kept.errors)
        assert run(tiny_gcp, engine, "up").ok
        assert run(tiny_gcp, engine, "destroy").ok
        assert not simulation.leftovers()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_fails_on_the_way_is_finished_by_the_same_command(tiny_gcp: TinyGcp) -> None:
    report = tiny_gcp.rehearse(
        errors=[{"operation": "compute:routers.patch", "code": "Error 503", "message": "backend error"}],
        partial=[{"resource": "train", "nodes": 1}],
        capacity=[{"machineType": "g2-standard-48", "zone": "us-central1-a", "times": 1}],
        throttle={"rate": 0.3, "seed": 1},
        kill=[{"atRequest": 9}],
    )
    assert report.ok, [str(phase) for phase in report.phases]
    problems = " ".join(phase.problem for phase in report.phases)
    assert "RUNNING_WITH_ERROR" in problems
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in problems
    assert report.account
    assert not report.account.unused_faults
