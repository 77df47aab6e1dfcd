"""Objects inside a cluster as the engine is asked for them: what is waited for, and what is not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.places import KUBECONFIG
from components.kubernetes.build import SHUT_S
from components.plan.stack import StackPlan
from components.pods.prepare import LONGEST_S, TIMEOUT
from components.spec.stack import parse_stack
from providers import clouds, load
from stacks.plan import plan_stack
from stacks.program import build
from tests.clock import NOW
from tests.unit.providers.aws.mocks import Registration, register

STACK = Path(__file__).parents[4] / "stacks" / "Pulumi.lab.yaml"
SKIP = "pulumi.com/skipAwait"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPlan:
    """The stack `lab` with a service whose model is there already, so that the engine waits for its servers."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    config = yaml.safe_load(STACK.read_text())["config"]
    config["penstock:inference"]["model"] = {"path": "/data/models/one"}
    return plan_stack(parse_stack(config, STACK.name, clouds()), "lab", NOW)


def registered(plan: StackPlan, **gate: Any) -> list[Registration]:
    """With what the gate has found."""
    return register(lambda: build(load("existing"), plan), outputs={"Gate": gate}).registrations


def skipped(found: list[Registration]) -> set[tuple[str, str]]:
    """By the last part of its type, what each annotation of the service's objects says."""
    return {
        (one.token.rpartition(":")[2], one.inputs["metadata"]["annotations"][SKIP])
        for one in found
        if SKIP in (one.inputs.get("metadata") or {}).get("annotations", {})
    }


@pytest.mark.parametrize(
    ("shut", "word"),
    [({}, "false"), ({"train": "short"}, "false"), ({"serve": "short", "train": "short"}, "true"), (None, "false")],
    ids=["open", "another pool", "its own", "a gate of an earlier version"],
)
def test_servers_of_a_pool_that_is_shut_are_not_waited_for(
    plan: StackPlan, shut: dict[str, str] | None, word: str
) -> None:
    assert skipped(registered(plan, shut=shut)) == {("Deployment", word), ("Service", word)}


@pytest.mark.parametrize(
    ("shut", "longest_s"),
    [({}, LONGEST_S), ({"serve": "short"}, LONGEST_S), ({"train": "short"}, SHUT_S), (None, LONGEST_S)],
    ids=["open", "another pool", "its own", "a gate of an earlier version"],
)
def test_a_text_whose_pool_is_shut_is_not_waited_for_as_long_as_it_may_take(
    plan: StackPlan, shut: dict[str, str] | None, longest_s: int
) -> None:
    """Its pod finds no node; for 48 hours `up` would neither go on nor say why."""
    found = [one for one in registered(plan, shut=shut) if one.token.rpartition(":")[2] == "Job"]
    assert [one.inputs["metadata"]["annotations"][TIMEOUT] for one in found] == [str(longest_s)]


@pytest.mark.parametrize(("nodes", "word"), [(0, "true"), (1, "false")])
def test_a_pool_that_stands_in_counts_once_it_has_nodes(plan: StackPlan, nodes: int, word: str) -> None:
    inside = plan.inside
    assert inside is not None
    assert inside.gate is not None
    (serve,) = (pool for pool in inside.gate.pools if pool.pool == "serve")
    gate = replace(inside.gate, pools=(*inside.gate.pools, replace(serve, pool="stand-in", nodes=nodes)))
    found = registered(replace(plan, inside=replace(inside, gate=gate)), shut={"serve": "short"})
    assert skipped(found) == {("Deployment", word), ("Service", word)}
