"""Rows of Google Cloud's machine types, on both sides, against what Google's own descriptions know of accelerators."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from providers.gcp.catalog import machines
from rehearsal.providers.gcp.machines import accelerators

KNOWN = Path(__file__).with_name("gcp_accelerators.toml")
Row = str | Mapping[str, str]


def known() -> Iterator[tuple[str, Row]]:
    for table in tomllib.loads(KNOWN.read_text()).values():
        yield from ((name, row) for name, row in table.items() if name != "source")


def of(row: Mapping[str, str], labels: Mapping[str, str]) -> list[str]:
    """Machine types of the accelerator, by GKE's label of it or by how their names begin."""
    if label := row.get("label"):
        return [name for name, own in labels.items() if own == label]
    return [name for name in labels if name.startswith(row["start"])]


PLANNERS = {name: one.gke_accelerator for name, one in machines().items() if one.accelerator}
REHEARSALS = {name: one.label for name, one in accelerators().items()}


@pytest.mark.parametrize(("name", "row"), list(known()), ids=[name for name, _ in known()])
def test_every_accelerator_that_google_describes_has_machine_types_or_a_reason(name: str, row: Row) -> None:
    if isinstance(row, str):
        assert len(row.split()) > 3, f"{name}: a reason is a sentence"
        return
    assert of(row, PLANNERS), f"providers/gcp/machine_types.toml has none of {name}"
    assert of(row, REHEARSALS), f"rehearsal/providers/gcp/machines.csv has none of {name}"


def test_a_reason_stands_only_where_no_machine_type_is() -> None:
    reasons = {name for name, row in known() if isinstance(row, str)}
    assert reasons & PLANNERS.keys() == set()


def test_planner_and_rehearsal_have_the_same_accelerator_machines() -> None:
    """Two readings of the same pages."""
    assert PLANNERS == REHEARSALS


def test_every_accelerator_machine_is_described_or_newer_than_the_descriptions() -> None:
    described = {found for _, row in known() if not isinstance(row, str) for found in of(row, PLANNERS)}
    assert PLANNERS.keys() - described == {"a4x-maxgpu-4g-metal"}, "GB300 is in no description of 2026-11-06"


def test_a_machine_that_is_refused_says_why() -> None:
    refused = {name: one.refused for name, one in machines().items() if one.refused}
    assert refused
    assert all(len(reason.split()) > 5 for reason in refused.values())
