"""Offer of nodes of an existing cluster: what the stack file states, never all that a machine is built with."""

import pytest
from pydantic import ValidationError

from components.plan.cluster import NodePoolPlan
from components.spec.cluster import NodePoolSpec
from providers.existing.machines import nodes_of
from providers.existing.refusals import room_problems
from providers.existing.settings import ExistingSpec, MachineSpec
from rehearsal.field.allocatable import NodeRow, node_rows
from tests.contract.scheduler_cases import pool

SPEC = NodePoolSpec(name="train", machine_type="hgx", count=2)


def planned(cores: int, memory_gib: float, **more: object) -> NodePoolPlan:
    row = MachineSpec.model_validate({"cores": cores, "memoryGib": memory_gib, **more})
    nodes = nodes_of(SPEC, ExistingSpec(machines={"hgx": row}), None, "")
    return pool(machine=nodes.machine, node_allocatable=nodes.allocatable)


def test_a_stated_offer_counts_as_kubectl_prints_it() -> None:
    found = planned(192, 2048, allocatable={"cpu": "191450m", "memory": "2052366988Ki"}).allocatable
    assert found.cores == pytest.approx(191.45)
    assert found.memory_gib == 2052366988 / 2**20
    assert planned(8, 32, allocatable={"cpu": 8, "memory": "30Gi"}).allocatable.memory_gib == 30


@pytest.mark.parametrize(
    "row",
    [row for (cloud, _), rows in node_rows().items() if cloud in ("bare metal", "coreweave") for row in rows],
    ids=lambda row: f"{row.machine_type}-{row.allocatable_memory_ki}",
)
def test_a_described_machine_is_never_counted_for_more_than_such_nodes_printed(row: NodeRow) -> None:
    memory_ki, nominal = row.allocatable_memory_ki, row.nominal_memory_gib
    if memory_ki and nominal and not row.hugepages_2mi_mib:
        assert planned(128, nominal).allocatable.memory_gib * 2**20 <= memory_ki


def test_an_amount_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"allocatable\.memory"):
        planned(8, 32, allocatable={"cpu": "8", "memory": "lots"})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"cpu": "300", "memory": "30Gi"}, ["cpu: '300' is 300 cores, of a machine with 8"]),
        ({"cpu": "8", "memory": "33Gi"}, ["memory: '33Gi' is 33.0 GiB, of a machine with 32"]),
        ({"cpu": "0", "memory": "1900"}, ["cpu: '0' is 0 cores", "memory: '1900' is 0.0 GiB"]),
        ({"cpu": "7910m", "memory": "29Gi"}, []),
        ({"cpu": "8", "memory": "32Gi"}, []),
    ],
)
def test_an_offer_that_the_machine_cannot_make_is_refused(said: dict[str, str], expected: list[str]) -> None:
    row = MachineSpec.model_validate({"cores": 8, "memoryGib": 32, "allocatable": said})
    found = [str(problem) for problem in room_problems("hgx", row)]
    assert len(found) == len(expected)
    assert all(f"existing.machines.hgx.allocatable.{part}" in told for part, told in zip(expected, found, strict=True))
