"""Offers of a lab's nodes: what the stack file states, or what such machines were measured to leave."""

from typing import Any

import pytest

from components.kubernetes.quantities import quantity
from components.spec.stack import parse_stack
from providers import clouds
from rehearsal.field.allocatable import NodeRow, node_rows
from rehearsal.places.lab import shape_of

OWN = [
    row
    for (cloud, _), rows in node_rows().items()
    if cloud in ("bare metal", "coreweave")
    for row in rows
    if row.allocatable_memory_ki and not row.hugepages_2mi_mib
]


def offer(memory_gib: float, **more: Any) -> dict[str, str]:
    """Offer of the one node of a pool."""
    machine = {"cores": 128, "memoryGib": memory_gib, **more}
    pool = {"name": "train", "machineType": "box", "count": 1}
    config = {
        "penstock:cluster": {"cloud": "existing", "nodePools": [pool]},
        "penstock:existing": {"machines": {"box": machine}},
    }
    (node,) = [one for one in shape_of(parse_stack(config, "x", clouds())).process if one.pool == "train"]
    return dict(node.allocatable)


def test_a_pod_of_all_that_a_data_sheet_says_fits_on_no_node() -> None:
    assert quantity(offer(2048)["memory"]) < 2048 * 2**30 * 63 / 64


@pytest.mark.parametrize("row", OWN, ids=lambda row: f"{row.machine_type}-{row.allocatable_memory_ki}")
def test_no_node_offers_more_than_such_a_machine_was_measured_to(row: NodeRow) -> None:
    assert row.nominal_memory_gib
    assert row.allocatable_memory_ki
    offered_ki = quantity(offer(row.nominal_memory_gib)["memory"]) / 2**10
    assert 0.998 * row.allocatable_memory_ki < offered_ki <= row.allocatable_memory_ki


def test_a_stated_offer_is_the_nodes() -> None:
    found = offer(2048, allocatable={"cpu": "127", "memory": "1900Gi"}, devices={"example.com/disk": 2})
    assert (found["cpu"], found["memory"], found["example.com/disk"]) == ("127", "1900Gi", "2")
