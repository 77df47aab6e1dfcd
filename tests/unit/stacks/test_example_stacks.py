"""The stack files of examples/stacks: each is planned, and renders what its kind of user came for."""

from pathlib import Path

import pytest

from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.definitions import judge

FOLDER = Path(__file__).parents[3] / "examples/stacks"
RENDERS = {
    "chat": {"JobSet", "Job", "Deployment"},
    "llama": {"Deployment", "ScaledObject", "HTTPRoute"},
    "large": {"LeaderWorkerSet"},
    "maxtext": {"JobSet"},
    "torchtitan": {"JobSet"},
    "trl": {"JobSet"},
}


def test_each_is_known_here() -> None:
    assert {path.stem.removeprefix("Pulumi.") for path in FOLDER.glob("Pulumi.*.yaml")} == set(RENDERS)


@pytest.mark.parametrize("name", RENDERS)
def test_one_is_planned_and_every_object_is_what_its_definition_allows(name: str) -> None:
    plan = plan_stack(read_path(FOLDER / f"Pulumi.{name}.yaml"), name, NOW)
    rendered = (*plan.job, *plan.service)
    for manifest in rendered:
        judge(manifest)
    assert RENDERS[name] <= {manifest["kind"] for manifest in rendered}
