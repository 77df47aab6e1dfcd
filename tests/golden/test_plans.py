"""Whole plans against what was last agreed on: tests/golden/<case>/stack.yaml -> plan.json.

`make golden` rewrites the expectations; the diff is what a reviewer reads.
"""

import importlib
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from components.catalog import Catalog, MachineType, accelerators
from components.plan.fabric import Fabric
from components.spec.cluster import Cloud
from providers import local
from stacks.config import read_path
from stacks.plan import plan_stack

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/stack.yaml"))

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


NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
"""When every plan is made: what has expired, begun and ended depends on it."""


class _Clock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case's folder, at a fixed time, and where it is a machine, on the one that its name says."""
    folder: Path = request.param
    cloud, _, kind = folder.name.partition("-")
    if cloud == Cloud.LOCAL:
        _stand_on(MACHINES[kind], monkeypatch)
    else:
        monkeypatch.setattr(importlib.import_module(f"providers.{cloud}.plan"), "datetime", _Clock)
    return folder


def _stand_on(machine: MachineType, monkeypatch: pytest.MonkeyPatch) -> None:
    """That machine, with a fixed place for data."""
    offered = local.catalog()
    fixed = Catalog(cloud=offered.cloud, machine_types={machine.name: machine}, capabilities=offered.capabilities)
    # The package names its function `plan` too, which hides the module of that name.
    monkeypatch.setattr(sys.modules["providers.local.plan"], "catalog", lambda: fixed)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")


def test_the_plan_is_the_one_agreed_on(case: Path) -> None:
    decided = plan_stack(read_path(case / "stack.yaml"), case.name)
    text = json.dumps(asdict(decided), indent=2, sort_keys=True, default=str) + "\n"
    expected = case / "plan.json"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text)
    assert json.loads(text) == json.loads(expected.read_text()), "if this change is wanted: make golden"
