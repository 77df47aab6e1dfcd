"""Allocatable of AKS's nodes against Microsoft's own table, measured nodes, and requests worked out apart."""

import pytest

from components.estimate.nodes import without_daemons
from providers.azure.catalog import machines
from providers.azure.nodes.allocatable import _kept, allocatable, daemons
from rehearsal.field.allocatable import node_rows

RESERVED = {1: 60, 2: 100, 4: 140, 8: 180, 16: 260, 32: 420, 64: 740}
"""Thousandths of a core by cores (AKS, "Node resource reservations", 2026-06-11)."""


@pytest.mark.parametrize(("cores", "thousandths"), list(RESERVED.items()))
def test_cores_are_kept_as_the_page_says(cores: int, thousandths: int) -> None:
    assert _kept(cores) * 1000 == pytest.approx(thousandths)


def test_memory_is_no_more_than_measured_nodes_have() -> None:
    """Of 56 and 440 GiB, with the rule's own reserve taken off what they were seen to have."""
    for name, nominal in (("Standard_NC8as_T4_v3", 56), ("Standard_NC64as_T4_v3", 440)):
        seen = [row.capacity_memory_ki for (cloud, _), rows in node_rows().items() if cloud == "azure" for row in rows
                if row.nominal_memory_gib == nominal and row.capacity_memory_ki]  # fmt: skip
        assert seen
        kept_gib = (20e6 * 110 + 50e6) / 2**30 + 100 / 1024
        assert allocatable(machines()[name]).memory_gib <= min(seen) / 2**20 - kept_gib


@pytest.mark.parametrize(
    ("name", "memory_gib", "ask_gib", "ask_cores"),
    [
        ("Standard_ND96isr_H100_v5", 1852, 1760, 91.1),
        ("Standard_ND96isr_H200_v5", 1803, 1711, 91.1),
        ("Standard_NC40ads_H100_v5", 310, 294.2, 37.9),
        ("Standard_NC80adis_H100_v5", 622, 590.5, 75.9),
        ("Standard_ND128isr_NDR_GB200_v6", 876, 831.5, 121.5),
        ("Standard_ND128isr_GB300_v6", 841, 798, 121.5),
    ],
)
def test_a_careful_request_of_a_whole_node_fits(name: str, memory_gib: int, ask_gib: float, ask_cores: float) -> None:
    """Estimates that were worked out apart from this rule; no node with InfiniBand was measured."""
    machine = machines()[name]
    there = allocatable(machine)
    assert there.memory_gib == pytest.approx(memory_gib, abs=1)
    room = without_daemons(there, daemons(machine))
    assert room.memory_gib <= ask_gib
    assert room.cores <= ask_cores
