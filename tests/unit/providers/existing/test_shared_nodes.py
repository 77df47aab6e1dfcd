"""Pools of an existing cluster that would count the same nodes as their own."""

from typing import Any

import pytest

from components.errors import SpecError
from components.spec.stack import parse_stack
from providers import clouds, existing
from providers.existing.plan import ExistingPlan
from providers.existing.seen import INSTANCE_TYPE, DiscoveredSpec, Discovery, seen_in
from tests.clock import NOW
from tests.unit.providers.existing.existing_cases import listing

LABELLED = {"cores": 8, "memoryGib": 32, "labels": {"rack": "r1"}}


def node(name: str, **labels: str) -> dict[str, Any]:
    offered = {"cpu": "8", "memory": "32Gi"}
    return {
        "metadata": {"name": name, "labels": {INSTANCE_TYPE: "box", **labels}},
        "spec": {},
        "status": {
            "capacity": offered, "allocatable": offered, "conditions": [{"type": "Ready", "status": "True"}]
        },
    }  # fmt: skip


def planned(
    *, selectors: dict[str, Any] | None = None, seen: Discovery | None = None, types: tuple[str, str] = ("box", "box")
) -> ExistingPlan:
    pools = [{"name": name, "machineType": kind, "count": 1} for name, kind in zip(("a", "b"), types, strict=True)]
    machines = {} if seen else dict.fromkeys(types, LABELLED)
    own = {"version": "1.36", "machines": machines, "poolSelectors": selectors or {}}
    own["volume"] = {"nfs": {"server": "nfs.example", "path": "/export"}}
    config = {"penstock:cluster": {"cloud": "existing", "nodePools": pools}, "penstock:existing": own}
    spec = parse_stack(config, "x", clouds())
    looked = DiscoveredSpec.model_construct(**dict(spec.settings or {}), seen=seen, unseen="")
    return existing.plan(spec.model_copy(update={"settings": looked if seen else spec.settings}), "mine", NOW)


OWN = {name: {"penstock.dev/pool": name} for name in ("a", "b")}


@pytest.mark.parametrize(
    "asked",
    [
        {"selectors": {"a": {"x": "y"}, "b": {"x": "y"}}},
        {"selectors": {"a": {"x": "y"}, "b": {"x": "y", "z": "1"}}},
        {"types": ("box", "other")},
        {"seen": seen_in(listing(nodes=(node("n1"), node("n2"))))},
    ],
)
def test_pools_of_the_same_nodes_are_refused_with_a_remedy_that_holds(asked: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as error:
        planned(**asked)
    (problem,) = error.value.problems
    assert "'a' and 'b' have the same nodes" in problem.message
    assert "a: {penstock.dev/pool: a}, b: {penstock.dev/pool: b}" in problem.message
    if "seen" in asked:
        labelled = (node("n1", **OWN["a"]), node("n2", **OWN["b"]))
        asked = {"seen": seen_in(listing(nodes=labelled))}
    planned(**{**asked, "selectors": OWN})


def test_pools_of_one_described_machine_are_told_apart_by_their_own_label() -> None:
    found = {pool.name: pool.binding.node_selector for pool in planned().node_pools}
    assert found == {name: {"rack": "r1", **labels} for name, labels in OWN.items()}


def test_nodes_that_were_seen_count_more_than_their_labels() -> None:
    seen = seen_in(listing(nodes=(node("n1", x="1"), node("n2", z="1"))))
    planned(selectors={"a": {"x": "1"}, "b": {"z": "1"}}, seen=seen)
    both = seen_in(listing(nodes=(node("n1", x="1", z="1"), node("n2", z="1"))))
    with pytest.raises(SpecError, match="have the same nodes"):
        planned(selectors={"a": {"x": "1"}, "b": {"z": "1"}}, seen=both)
