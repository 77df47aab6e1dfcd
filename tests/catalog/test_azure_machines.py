"""Rows of Azure's machine types: what each must say, and what the other tables must have of it."""

import pytest

from components.estimate.floors import floor_of
from components.fabric import Fabric
from providers.azure.catalog import AzureCapacityKind, AzureMachine, Partition, machines, prices
from providers.azure.inside.topology import SIDES
from providers.azure.regions import regions
from providers.azure.tables import QUOTAS

MADE = [machine for machine in machines().values() if not machine.refused]


@pytest.mark.parametrize("machine", MADE, ids=lambda one: one.name)
def test_a_family_has_a_quota(machine: AzureMachine) -> None:
    assert f"families.{machine.quota}" in QUOTAS


@pytest.mark.parametrize("machine", MADE, ids=lambda one: one.name)
def test_infiniband_is_said_as_one(machine: AzureMachine) -> None:
    """A machine with cards has a speed, a fabric, and a state of the feature that it wants; another has none."""
    wired = bool(machine.infiniband)
    assert wired == (machine.fabric is Fabric.RDMA) == bool(machine.fabric_gbps)
    assert wired == (machine.partition is not Partition.NONE)
    assert not machine.topology or machine.topology in SIDES


@pytest.mark.parametrize("machine", MADE, ids=lambda one: one.name)
def test_no_reservation_is_offered_of_what_none_takes(machine: AzureMachine) -> None:
    """Azure, "On-demand capacity reservation", 2026-02-17: neither ND nor NCads H100 v5."""
    refused = machine.name.startswith("Standard_ND") or "_H100_" in machine.name
    assert (AzureCapacityKind.RESERVATION in machine.capacity) != refused


def test_a_machine_that_is_refused_says_why() -> None:
    refused = {name: one.refused for name, one in machines().items() if one.refused}
    assert refused
    assert all(len(reason.split()) > 5 for reason in refused.values())


def test_prices_are_of_machines_and_regions_that_are_known() -> None:
    assert set(prices()) <= set(machines())
    assert {region for row in prices().values() for region in row} <= set(regions())
    assert all(price > 0 for row in prices().values() for price in row.values())


def test_rows_are_in_order() -> None:
    assert list(machines()) == sorted(machines())
    assert list(regions()) == sorted(regions())


def test_a_described_machine_has_a_floor_that_plain_tcp_misses() -> None:
    """A fall back to TCP exits with 0 at a few GB/s."""
    for machine in MADE:
        if machine.topology:
            assert floor_of(machine.name).floor_gbps >= 100
