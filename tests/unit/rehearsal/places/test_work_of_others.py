"""Drift and load balancers of a fault script: what they meet after their phase, and that what met nothing is named."""

from pathlib import Path
from typing import Any

import pytest

from engine.state import StackState
from rehearsal.cloud.account import Object, Status
from rehearsal.cloud.lifecycle import SimulatedCloud
from rehearsal.faults import FaultScript
from rehearsal.kubernetes.cluster import SimulatedKubernetes
from rehearsal.places.cloud import Simulation
from rehearsal.providers.aws.quotas import VPC
from rehearsal.providers.aws.rules import RULES

EMPTY = StackState(resources=(), pending=())


def unmet(folder: Path, phases: tuple[str, ...], **script: Any) -> tuple[str, ...]:
    """Faults that met nothing of an account with one VPC, after the phases."""
    faults = FaultScript.model_validate(script)
    cloud = SimulatedCloud(RULES, folder / "account.sqlite", faults=faults, existing=frozenset())
    kubernetes = SimulatedKubernetes(faults=faults)
    try:
        vpc = Object(
            token=VPC, id="vpc-1", called="net", region="us-east-2", inputs={}, outputs={}, status=Status.ACTIVE
        )
        cloud.account.add(vpc)
        simulation = Simulation(cloud, kubernetes, faults, {})
        for phase in phases:
            simulation.after(phase, EMPTY)
        return simulation.report().unused_faults
    finally:
        kubernetes.close()
        cloud.close()


@pytest.mark.parametrize(
    ("script", "phases", "named"),
    [
        ({"drift": [{"after": "up", "resource": "net", "set": {"a": 1}}]}, ("up",), ()),
        (
            {"drift": [{"after": "up", "resource": "nosuch", "set": {"a": 1}}]}, ("up",),
            ("nosuch a changed by somebody else after up",),
        ),
        (
            {"drift": [{"after": "up", "resource": "net", "type": "aws:eks*", "delete": True}]}, ("up",),
            ("net (aws:eks*) deleted by somebody else after up",),
        ),
        (
            {"drift": [{"after": "up again", "resource": "net", "set": {"a": 1}}]}, ("up",),
            ("net a changed by somebody else after up again",),
        ),
        ({"loadBalancers": [{"cluster": "nosuch"}]}, ("up",), ("load balancer in the cluster nosuch after up",)),
    ],
    ids=["met", "another name", "another type", "a phase that does not come", "another cluster"],
)  # fmt: skip
def test_work_of_others_that_met_nothing_is_named(
    script: dict[str, Any], phases: tuple[str, ...], named: tuple[str, ...], tmp_path: Path
) -> None:
    assert unmet(tmp_path, phases, **script) == named
