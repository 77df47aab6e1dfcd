"""Allocatable of EKS nodes, as planned: against nodes that were measured, and against the field rule's own figure."""

import pytest

from providers.aws.catalog import machines
from providers.aws.nodes.allocatable import EFA_HUGE_PAGES_MIB, allocatable
from rehearsal.field.allocatable import NodeRow, node_rows, offered
from rehearsal.field.deployed import MachinePool

KIB_OF_GIB = 2**20
MEASURED = [
    row
    for (cloud, name), rows in node_rows().items()
    if cloud == "aws" and name in machines()
    for row in rows
    if row.kind == "measured" and row.allocatable_memory_ki
]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.machine_type}-{row.allocatable_memory_ki}")
def test_no_more_is_planned_than_a_node_was_measured_to_offer(row: NodeRow) -> None:
    """Nor less than 2 % below it: a plan that gives memory away is wrong as well."""
    assert row.allocatable_memory_ki
    planned_ki = allocatable(machines()[row.machine_type], efa_devices=0).memory_gib * KIB_OF_GIB
    measured_ki = row.allocatable_memory_ki + row.hugepages_2mi_mib * 1024
    assert 0.98 * measured_ki < planned_ki <= measured_ki


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.machine_type}-{row.allocatable_cpu_m}")
def test_cores_are_planned_as_they_were_measured(row: NodeRow) -> None:
    if row.allocatable_cpu_m and row.machine_type != "g6e.12xlarge":
        planned = allocatable(machines()[row.machine_type], efa_devices=0).cores
        assert int(planned * 1000 / 10) == row.allocatable_cpu_m // 10


@pytest.mark.parametrize("name", sorted(machines()))
@pytest.mark.parametrize("efa_devices", [0, 1])
def test_the_field_finds_no_machine_that_is_planned_too_large(name: str, efa_devices: int) -> None:
    machine = machines()[name]
    if efa_devices and not machine.max_efa:
        return
    pages_mib = EFA_HUGE_PAGES_MIB if efa_devices else 0
    offer = offered("aws", MachinePool(name="", machine_type=name, huge_pages_mib=pages_mib))
    if offer is not None:
        assert int(allocatable(machine, efa_devices).memory_gib * KIB_OF_GIB) <= offer.memory_ki
