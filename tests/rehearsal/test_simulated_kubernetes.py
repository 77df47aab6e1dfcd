"""A few objects in the simulated Kubernetes, through the real engine: made, changed, refused, drifted, gone."""

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
from rehearsal.faults import FaultScript
from rehearsal.places.cloud import Simulation, simulated
from rehearsal.providers.aws.rules import RULES
from tests.rehearsal.conftest import TINY

PROGRAM = TINY.parent / "kubernetes_tiny"
OBJECTS = 8
PASSWORD = "not-to-be-seen"  # noqa: S105 (a test's own)


class Deployed:
    """The program's stack with the cluster beside it, as `run` leaves them."""

    def __init__(self, folder: Path, simulation: Simulation) -> None:
        self.folder, self.simulation = folder, simulation
        self.engine = Engine(
            project=folder, home=folder / "home", backend=folder / "backend", passphrase=secrets.token_hex(8),
            env=simulation.env,
        )  # fmt: skip
        self.engine.stack_init("dev").require_ok()

    def run(self, command: Command, **settings: Any) -> Result:
        configure(self.folder, **settings)
        return self.engine.start(command, "dev").wait()

    def body(self, key: str) -> dict[str, Any]:
        found = self.simulation.kubernetes.objects.at(key)
        assert found is not None, key
        return found


def configure(folder: Path, **settings: Any) -> None:
    config = {f"kubernetes-tiny:{name}": value for name, value in {"password": PASSWORD, **settings}.items()}
    content = {"config": {"penstock:cluster": {"cloud": "aws"}} | config}
    (folder / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))


@pytest.fixture
def deployed(pulumi: Path, tmp_path: Path) -> Iterator[Deployed]:
    with deploy(tmp_path) as stack:
        yield stack


@contextmanager
def deploy(place: Path, **faults: Any) -> Iterator[Deployed]:
    folder = place / "kubernetes-tiny"
    shutil.copytree(PROGRAM, folder)
    settings = (folder / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(settings.replace("../../../.venv", str(PROGRAM.parents[2] / ".venv")))
    (folder / "stacks").mkdir()
    configure(folder)
    script = FaultScript.model_validate(faults)
    with simulated(
        RULES, folder / "stacks" / "Pulumi.dev.yaml", place / "account", script, preview=False
    ) as simulation:
        assert simulation
        simulation.kubernetes.appear()
        simulation.kubernetes.add_nodes("system", 2, {}, (), {})
        yield Deployed(folder, simulation)


def changes(result: Result) -> list[tuple[str, str]]:
    return sorted((step.op, step.name) for step in result.changing_steps if step.op in ("update", "replace", "create"))


def test_what_is_up_stays_as_it_is_and_goes_without_a_trace(deployed: Deployed) -> None:
    first = deployed.run("up")
    assert first.ok, first.errors
    assert not deployed.run("up").changed
    assert not deployed.run("refresh").changed
    state = list((deployed.folder / "backend").rglob("stacks/**/*.json"))
    assert state
    assert not any(PASSWORD in file.read_text() for file in state)
    assert deployed.body("|Secret|ml|key")["data"]["password"]
    assert deployed.simulation.report().requests_by_oracle["kubernetes-validate"] >= OBJECTS
    assert deployed.run("destroy").ok
    assert deployed.simulation.report().left == ()


def test_a_changed_input_updates_and_a_fixed_field_replaces(deployed: Deployed) -> None:
    assert deployed.run("up").ok
    assert changes(deployed.run("up", replicas=3)) == [("update", "web")]
    assert deployed.body("apps|Deployment|ml|web")["status"]["availableReplicas"] == 3
    replaced = deployed.run("up", replicas=3, app="other")
    assert replaced.ok, replaced.errors
    assert changes(replaced) == [("replace", "web"), ("update", "web")]  # Deployment and Service
    assert changes(deployed.run("up", replicas=3, app="other", steps="200")) == [("replace", "settings")]


def test_drift_of_our_own_fields_is_seen_and_that_of_others_is_not(deployed: Deployed) -> None:
    assert deployed.run("up").ok
    kubernetes = deployed.simulation.kubernetes
    kubernetes.change_from_outside("apps|Deployment|ml|web", {"spec.minReadySeconds": 5})
    assert not deployed.run("refresh").changed
    kubernetes.change_from_outside("|ConfigMap|ml|settings", {"data.steps": "1"})
    kubernetes.delete_from_outside("|Service|ml|web")
    refreshed = deployed.run("refresh")
    assert {step.name for step in refreshed.changing_steps} == {"settings", "web"}
    assert changes(deployed.run("up")) == [("create", "web"), ("replace", "settings")]


def test_a_wrong_object_is_refused_with_its_path(deployed: Deployed) -> None:
    """By the definition that the program itself brings."""
    refused = deployed.run("up", order={"nodes": "two"})
    assert not refused.ok
    assert any("spec.nodes: 'two' is not of type 'integer'" in error for error in refused.errors), refused.errors


def test_a_release_brings_its_definitions_and_a_wrong_value_is_named(deployed: Deployed) -> None:
    wrong = deployed.run("preview", jobset=True, values={"controler": {"leaderElection": {"enable": True}}})
    assert any("values.controler" in error for error in wrong.errors), wrong.errors
    up = deployed.run("up", jobset=True)
    assert up.ok, up.errors
    assert deployed.body("apiextensions.k8s.io|CustomResourceDefinition||jobsets.jobset.x-k8s.io")
    resources = deployed.engine.export_state("dev").resources
    release = next(one for one in resources if one.type.endswith(":Release"))
    assert release.outputs["status"]["status"] == "deployed"
    assert not deployed.run("refresh", jobset=True).changed
    assert deployed.run("destroy").ok
    assert deployed.simulation.kubernetes.leftovers() == ("Namespace jobset-system",)  # helm leaves what it created


def test_what_does_not_become_ready_is_kept_with_the_reason_and_mended(deployed: Deployed) -> None:
    deployed.simulation.kubernetes.remove_nodes("system")
    failed = deployed.run("up")
    assert not failed.ok
    assert any("0 of 2 replicas are available" in error for error in failed.errors), failed.errors
    resource = next(one for one in deployed.engine.export_state("dev").resources if one.type.endswith(":Deployment"))
    assert resource.init_errors
    deployed.simulation.kubernetes.add_nodes("system", 2, {}, (), {})
    assert deployed.run("up").ok


def test_a_cluster_that_is_gone_does_not_hang_the_destroy(deployed: Deployed) -> None:
    assert deployed.run("up", deleteUnreachable=True).ok
    deployed.simulation.kubernetes.vanish()
    gone = deployed.run("destroy")
    assert gone.ok, gone.errors


def test_a_killed_engine_goes_on_and_makes_nothing_twice(pulumi: Path, tmp_path: Path) -> None:
    with deploy(tmp_path, kill=[{"atKubernetesRequest": 4}]) as stack:
        run = stack.engine.start("up", "dev")
        stack.simulation.follow(run)
        assert not run.wait().ok
        stack.engine.clear_stale_locks("dev")
        stack.simulation.recover(stack.engine, "dev", stack.engine.export_state("dev"))
        again = stack.run("up")
        assert again.ok, again.errors
        assert stack.run("destroy").ok
        assert stack.simulation.kubernetes.leftovers() == ()


def test_a_refused_request_and_a_silent_webhook_strike_and_are_named(pulumi: Path, tmp_path: Path) -> None:
    refused = {"operation": "kubernetes:ApplyConfigMap", "resource": "settings", "code": "InternalError"}
    with deploy(tmp_path, errors=[refused], webhooks=[{"kind": "Order"}]) as stack:
        failed = stack.run("up")
        assert any("An internal error has occurred" in error for error in failed.errors), failed.errors
        if not any("failed calling webhook" in error for error in failed.errors):
            assert any("failed calling webhook" in error for error in stack.run("up").errors)
        assert stack.run("up").ok
        assert len(stack.simulation.injected("up")) == 2
        assert stack.simulation.kubernetes.injector.unused_faults() == ()
