"""Registrations of every shipped stack and example: tests/golden/registrations/NAME.txt, a line for each resource.

A line has type, name, parent and options, not the inputs. `make golden` rewrites them.
"""

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from bench.places import KUBECONFIG
from bench.registrations import Registration, recorded
from providers import load
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.golden.test_plans import MACHINES, _stand_on

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "registrations"
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/Pulumi.yaml"))
OPTIONS = (
    "protect", "retainOnDelete", "deleteBeforeReplace", "ignoreChanges", "replaceOnChanges", "additionalSecretOutputs",
    "customTimeouts", "aliases", "deletedWith", "importId",
)  # fmt: skip


def line(asked: Registration) -> str:
    """One resource: what it is, what it stands under and comes after, and every option that is set."""
    provider = asked.get("provider", "").rpartition("::")[0]
    said = {
        "parent": name(asked.get("parent", "")),
        "provider": name(provider),
        "after": ",".join(sorted(map(name, asked.get("dependencies", [])))),
        **{option: asked[option] for option in OPTIONS if option in asked},
    }
    return " ".join([asked["type"], asked["name"], *(f"{key}={value}" for key, value in said.items() if value)])


def name(urn: str) -> str:
    """The name at a URN's end; none for the stack itself."""
    return "" if "::pulumi:pulumi:Stack::" in urn else urn.rpartition("::")[2]


def agree(what: str, program: Callable[[], object], stack: str, project: str = "penstock") -> None:
    """Compares what `program` registers with what was last agreed on, or writes that anew."""
    text = "".join(sorted(f"{line(asked)}\n" for asked in recorded(program, project=project, stack=stack)))
    expected = EXPECTED / f"{what}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert text.splitlines() == expected.read_text().splitlines(), "if this change is wanted: make golden"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed machine and a kubeconfig."""
    _stand_on(MACHINES["laptop"], monkeypatch)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))


@pytest.mark.parametrize("stack", STACKS)
def test_a_shipped_stack_registers_what_was_agreed_on(stack: str) -> None:
    spec = read_path(ROOT / "stacks" / f"Pulumi.{stack}.yaml")
    plan = plan_stack(spec, stack, NOW)
    agree(stack, lambda: build(load(spec.cluster.cloud), plan), stack)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_registers_what_was_agreed_on(example: str) -> None:
    folder = ROOT / "examples" / example
    for key, value in settings(folder / "Pulumi.dev.yaml").items():
        pulumi.runtime.set_config(key, str(value))
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())["name"]
    agree(example, lambda: runpy.run_path(str(folder / "__main__.py")), "dev", project)


def settings(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text())["config"])
