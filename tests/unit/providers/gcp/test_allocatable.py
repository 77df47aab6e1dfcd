"""Allocatable of GKE's nodes against measured ones."""

import pytest

from components.estimate.nodes import without_daemons
from providers.gcp.catalog import machines
from providers.gcp.nodes.allocatable import allocatable, daemons
from rehearsal.field.allocatable import NodeRow, node_rows

MEASURED = [row for (cloud, name), rows in node_rows().items() if cloud == "gcp" and name in machines() for row in rows]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.machine_type} {row.date}")
def test_a_node_has_what_the_rule_says_and_little_more(row: NodeRow) -> None:
    """Never more than the node has, and at most 0.3 % less."""
    assert row.allocatable_memory_ki is not None
    there = row.allocatable_memory_ki / 2**20
    said = allocatable(machines()[row.machine_type])
    assert 0.997 * there <= said.memory_gib <= there
    if row.allocatable_cpu_m:
        assert said.cores * 1000 == pytest.approx(row.allocatable_cpu_m, abs=10)


def test_huge_pages_are_taken_off() -> None:
    machine = machines()["a4x-maxgpu-4g-metal"]
    assert allocatable(machine).memory_gib - allocatable(machine, 8192).memory_gib == pytest.approx(8)


@pytest.mark.parametrize(
    ("name", "ask_gib"),
    [("g2-standard-4", 10), ("g2-standard-48", 174), ("a3-ultragpu-8g", 2745), ("a4-highgpu-8g", 3690),
     ("a4x-highgpu-4g", 822), ("ct6e-standard-4t", 669), ("ct5lp-hightpu-4t", 174), ("e2-standard-4", 10)],
)  # fmt: skip
def test_a_careful_request_of_a_whole_node_fits(name: str, ask_gib: float) -> None:
    """Requests that leave daemons and one per cent, worked out apart from this rule."""
    machine = machines()[name]
    assert allocatable(machine).memory_gib > ask_gib
    assert without_daemons(allocatable(machine), daemons(machine)).memory_gib <= ask_gib
