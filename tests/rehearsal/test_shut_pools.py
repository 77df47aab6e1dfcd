"""A pool that fails the acceptance gate beside one that passes, through the real engine on a simulated AWS."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.cycle import Listener, Phase, Rehearsal, rehearse
from rehearsal.faults import BadNode, FaultScript, NoCapacity
from rehearsal.providers.aws.capacity import NODE_GROUP
from tests.rehearsal.test_resized_pools import CLUSTER, REACHED, objects

pytestmark = [pytest.mark.usefixtures("pulumi"), pytest.mark.timeout(900), pytest.mark.slow]

POOLS = [
    {"name": "work", "machineType": "m7i.xlarge", "count": 1},
    {"name": "serve", "machineType": "g6.xlarge", "count": 1, "fabric": {"none": "one node"}},
]
BROKEN = FaultScript(nodes=(BadNode(node="*-serve-0", devices={"nvidia.com/gpu": 0}, repaired_after_min=20),))


def evidence(project: Path) -> dict[str, Any]:
    """Findings that the gate keeps in the cluster, with the names of the queues that are there."""
    found = objects(project / ".penstock" / "rehearsal" / "shut" / "kubernetes.sqlite")
    (body,) = (body for key, body in found.items() if "|ConfigMap|penstock|penstock-gate-" in key)
    queues = [key.rpartition("|")[2] for key in found if "|LocalQueue|" in key]
    kept: dict[str, Any] = json.loads(body["data"]["gate"])
    return kept | {"queues": queues}


def test_one_pool_opens_while_another_is_shut_and_the_same_command_opens_it(project: Path) -> None:
    content = {"config": {"penstock:cluster": {**CLUSTER, "nodePools": POOLS}} | REACHED}
    (project / "stacks" / "Pulumi.shut.yaml").write_text(yaml.safe_dump(content))
    seen: list[dict[str, Any]] = []

    def look(phase: Phase) -> None:
        seen.extend([evidence(project)] if phase.name == "up" else [])

    report = rehearse(
        Rehearsal.CYCLE, "shut", project=project, faults=BROKEN, listener=Listener(on_phase=look)
    )  # fmt: skip
    assert report.ok, [phase.problem for phase in report.phases]
    assert [(phase.name, phase.repeated) for phase in report.phases] == [
        ("up", True), ("up", False), ("up again", False), ("refresh", False), ("destroy", False)
    ]  # fmt: skip
    first, second = seen
    assert (first["state"], list(first["shut"]), first["open"]) == ("partial", ["serve"], ["work"])
    assert "offers 0 of 1 x nvidia.com/gpu" in first["shut"]["serve"]
    assert first["queues"] == ["default"]
    assert (second["state"], second["shut"], second["open"]) == ("pass", {}, ["serve", "work"])


SHORT = FaultScript(
    capacity=(
        NoCapacity(machine_type="g6.xlarge"),
        NoCapacity(machine_type="g6e.xlarge"),
    )
)
"""No machine for the first group of each type that asks: the second `up`, and the fallback, find some."""


def sizes(project: Path) -> dict[str, tuple[int, int]]:
    """Least and desired nodes of each group of the pools, as the account has them."""
    found = objects(project / ".penstock" / "rehearsal" / "short" / "account.sqlite")
    groups = {
        key.rpartition(":")[2]: body["inputs"]["scalingConfig"] for key, body in found.items() if NODE_GROUP in key
    }
    return {name: (size["minSize"], size["desiredSize"]) for name, size in groups.items() if not name.startswith("sys")}


def test_a_shortage_costs_one_pool_or_is_stood_in_for(project: Path) -> None:
    """Groups that are made with their nodes would fail, and `up` with them (aws/containers-roadmap 2204)."""
    spot = {"capacity": {"spot": {"fallback": "onDemand"}}, "fabric": {"none": "one node"}}
    pools = [*POOLS, {"name": "edge", "machineType": "g6e.xlarge", "count": 1, **spot}]
    content = {"config": {"penstock:cluster": {**CLUSTER, "nodePools": pools}} | REACHED}
    (project / "stacks" / "Pulumi.short.yaml").write_text(yaml.safe_dump(content))
    seen: list[dict[str, tuple[int, int]]] = []
    shut: list[str] = []

    def look(phase: Phase) -> None:
        seen.append(sizes(project))
        shut.extend(phase.faults)

    report = rehearse(
        Rehearsal.UP, "short", project=project, keep=True, faults=SHORT, listener=Listener(on_phase=look)
    )  # fmt: skip
    assert report.ok, [phase.problem for phase in report.phases]
    assert [(phase.name, phase.repeated) for phase in report.phases] == [("up", True), ("up", False)]
    assert seen[0] == {"work": (1, 1), "serve": (0, 0), "edge": (0, 0), "edge-on-demand": (0, 1)}
    assert seen[1] == {"work": (1, 1), "serve": (1, 1), "edge": (0, 0), "edge-on-demand": (0, 1)}
    assert sum("InsufficientInstanceCapacity" in fault for fault in shut) == 2
    assert rehearse(Rehearsal.DESTROY, "short", project=project).ok
