"""Whole plans against what was last agreed on: tests/golden/<case>/stack.yaml -> plan.json.

Many cases have the same add-ons: a plan names each by its name and digest, and addons/<name>-<digest>.json has it once.
`make golden` rewrites the expectations; the diff is what a reviewer reads.
"""

import hashlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from components.catalog import Catalog, MachineType, accelerators
from components.fabric import Fabric
from providers import local
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/stack.yaml"))
ADDONS = Path(__file__).parent / "addons"
WANTED = "if this change is wanted: make golden"

MACHINES = {
    "laptop": MachineType(
        name="this-machine",
        cores=4,
        memory_gib=16.0,
        accelerator=None,
        accelerator_count=0,
        fabric=Fabric.HOST,
    ),
    "workstation": MachineType(
        name="this-machine",
        cores=64,
        memory_gib=512.0,
        accelerator=accelerators()["h100"],
        accelerator_count=4,
        fabric=Fabric.HOST,
    ),
}
"""Machines that a local case may stand on: its folder's name ends with one of these."""


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case's folder; where it is a machine, on the one that its name says."""
    folder: Path = request.param
    cloud, _, kind = folder.name.partition("-")
    if cloud == "local":
        _stand_on(MACHINES[kind], monkeypatch)
    return folder


def _stand_on(machine: MachineType, monkeypatch: pytest.MonkeyPatch) -> None:
    """That machine, with a fixed place for data."""
    offered = local.catalog()
    fixed = Catalog(cloud=offered.cloud, machine_types={machine.name: machine}, capabilities=offered.capabilities)
    # The package names its function `plan` too, which hides the module of that name.
    monkeypatch.setattr(sys.modules["providers.local.plan"], "catalog", lambda: fixed)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")


def test_the_plan_is_the_one_agreed_on(case: Path) -> None:
    plan, addons = _apart(asdict(plan_stack(read_path(case / "stack.yaml"), case.name, NOW)))
    expected = case / "plan.json"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(_text(plan))
        for name, addon in addons.items():
            (ADDONS / f"{name}.json").write_text(_text(addon))
    for name, addon in addons.items():
        file = ADDONS / f"{name}.json"
        assert file.exists(), f"{name}: an add-on that no plan had; {WANTED}"
        assert json.loads(_text(addon)) == json.loads(file.read_text()), WANTED
    assert json.loads(_text(plan)) == json.loads(expected.read_text()), WANTED


def test_every_addon_is_one_of_a_plan() -> None:
    named = {name for case in CASES for name in _named(json.loads((case / "plan.json").read_text()))}
    left = [file for file in ADDONS.glob("*.json") if file.stem not in named]
    if os.environ.get("UPDATE_GOLDEN"):
        for file in left:
            file.unlink()
        return
    assert left == [], WANTED


def _apart(plan: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan with names of its add-ons in their places, and the add-ons by those names."""
    platform = (plan["inside"] or {}).get("platform")
    if not platform:
        return plan, {}
    addons = {f"{one['name']}-{hashlib.sha256(_text(one).encode()).hexdigest()[:8]}": one for one in platform["addons"]}
    platform["addons"] = list(addons)
    return plan, addons


def _named(plan: dict[str, Any]) -> list[str]:
    found: list[str] = ((plan["inside"] or {}).get("platform") or {}).get("addons", [])
    return found


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n"
