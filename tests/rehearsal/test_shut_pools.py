"""A pool that fails the acceptance gate beside one that passes, through the real engine on a simulated AWS."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cycle import Rehearsal, rehearse
from rehearsal.faults import BadNode, FaultScript
from tests.rehearsal.test_resized_pools import CLUSTER, objects

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

POOLS = [
    {"name": "work", "machineType": "m7i.xlarge", "count": 1},
    {"name": "serve", "machineType": "g6.xlarge", "count": 1, "fabric": {"none": "one node"}},
]
BROKEN = FaultScript(nodes=(BadNode(node="*-serve-0", devices={"nvidia.com/gpu": 0}, repaired_after_min=20),))


def up(project: Path, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """Evidence of the gate after an `up` that must pass, and the queues that are there."""
    report = rehearse(Rehearsal.UP, "shut", project=project, keep=True, **more)
    assert report.ok, [phase.problem for phase in report.phases]
    found = objects(project / ".penstock" / "rehearsal" / "shut" / "kubernetes.sqlite")
    (gate,) = (
        json.loads(body["data"]["gate"]) for key, body in found.items() if "|ConfigMap|penstock|penstock-gate-" in key
    )
    return gate, [key.rpartition("|")[2] for key in found if "|LocalQueue|" in key]


def test_one_pool_opens_while_another_is_shut_and_the_same_command_opens_it(project: Path) -> None:
    content = {"config": {"penstock:cluster": {**CLUSTER, "nodePools": POOLS}}}
    (project / "stacks" / "Pulumi.shut.yaml").write_text(yaml.safe_dump(content))
    gate, queues = up(project, faults=BROKEN)
    assert (gate["state"], list(gate["shut"]), gate["open"]) == ("partial", ["serve"], ["work"])
    assert "offers 0 of 1 x nvidia.com/gpu" in gate["shut"]["serve"]
    assert queues == ["default"]
    gate, _ = up(project, faults=BROKEN)
    assert (gate["state"], gate["shut"], gate["open"]) == ("pass", {}, ["serve", "work"])
    assert rehearse(Rehearsal.DESTROY, "shut", project=project).ok
