"""The program of tests/rehearsal/kubernetes_tiny on the lab's real API server: the same life as in the simulation.

Its pods go to nodes that only say they run them: what is shown here is the API server's side.
"""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes.api import KubernetesApi
from engine.cli import Command, Engine, find_pulumi
from engine.errors import CliMissingError
from engine.process import Result
from lab.charts import charts_in
from lab.kwok import TAINT
from lab.lab import Lab
from rehearsal.providers.kubernetes.real import applying_to
from tools.lab import Tools

PROGRAM = Path(__file__).parents[1] / "rehearsal" / "kubernetes_tiny"
ON_KWOK = {
    "nodeSelector": {"type": "kwok"},
    "tolerations": [{"key": TAINT["key"], "operator": "Exists", "effect": "NoSchedule"}],
}


class Deployed:
    """The program's stack on the lab."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.engine = Engine(
            project=folder, home=folder / "home", backend=folder / "backend", passphrase=secrets.token_hex(8),
            env={"PULUMI_DEBUG_PROVIDERS": f"kubernetes:{port}"},
        )  # fmt: skip
        self.configure()
        self.engine.stack_init("dev").require_ok()

    def configure(self, **settings: Any) -> None:
        given = {"password": "not-to-be-seen", "pod": ON_KWOK, **settings}
        config = {f"kubernetes-tiny:{name}": value for name, value in given.items()}
        (self.folder / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))

    def run(self, command: Command, **settings: Any) -> Result:
        self.configure(**settings)
        return self.engine.start(command, "dev").wait()


@pytest.fixture
def deployed(lab: Lab, tools: Tools, tmp_path: Path) -> Iterator[Deployed]:
    try:
        find_pulumi()
    except CliMissingError as error:
        pytest.skip(str(error))
    folder = tmp_path / "kubernetes-tiny"
    shutil.copytree(PROGRAM, folder)
    settings = (folder / "Pulumi.yaml").read_text()
    (folder / "Pulumi.yaml").write_text(settings.replace("../../../.venv", str(PROGRAM.parents[2] / ".venv")))
    (folder / "stacks").mkdir()
    charts = charts_in([tools.files("jobset", "charts")])
    with applying_to(lab.access(), helm=tools.programs["helm"], charts=charts, home=tmp_path / "provider") as (port, _):
        yield Deployed(folder, port)


def test_the_same_life_on_a_real_api_server(deployed: Deployed, api: KubernetesApi) -> None:
    up = deployed.run("up")
    assert up.ok, up.errors
    found = api.get("apps/v1", "Deployment", "web", "ml")
    assert found
    assert found["status"]["availableReplicas"] == 2
    again = deployed.run("up")
    assert not again.changed, again.changing_steps
    refreshed = deployed.run("refresh")
    assert not refreshed.changed, refreshed.changing_steps

    updated = deployed.run("up", replicas=3)
    assert [step.name for step in updated.changing_steps] == ["web"], updated.errors
    replaced = deployed.run("up", replicas=3, app="other")
    assert replaced.ok, replaced.errors
    assert "replace" in {step.op for step in replaced.changing_steps}

    api.patch({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "ml"},
        "data": {"steps": "1"},
    })  # fmt: skip
    drifted = deployed.run("refresh", replicas=3, app="other")
    assert [step.name for step in drifted.changing_steps] == ["settings"]

    wrong = deployed.run("up", container={"imagez": "web:2"})
    assert any("imagez" in error for error in wrong.errors), wrong.errors
    assert deployed.run("destroy").ok
    assert api.get("v1", "Namespace", "ml") is None
    assert api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "orders.tiny.example.com") is None


def test_a_release_is_installed_upgraded_and_gone(deployed: Deployed, api: KubernetesApi) -> None:
    values = {"controller": ON_KWOK}
    up = deployed.run("up", jobset=True, values=values)
    assert up.ok, up.errors
    release = next(one for one in deployed.engine.export_state("dev").resources if one.type.endswith(":Release"))
    assert release.outputs["status"]["status"] == "deployed"
    running = api.list("apps/v1", "Deployment", "jobset-system")
    assert running
    assert all(one["status"].get("availableReplicas") for one in running)
    assert not deployed.run("up", jobset=True, values=values).changed
    upgraded = deployed.run("up", jobset=True, values={"controller": {**ON_KWOK, "replicas": 2}})
    assert [(step.op, step.name) for step in upgraded.changing_steps] == [("update", "jobset")], upgraded.errors
    assert deployed.run("destroy").ok
    assert not api.list("apps/v1", "Deployment", "jobset-system")
