"""Machines that come to a file system with a fabric by TCP."""

import base64
from typing import Any

import pytest

from rehearsal.field.facts import FieldFacts
from rehearsal.field.lnet import lnet
from rehearsal.field.service_facts import FabricMountRow
from tests.unit.rehearsal.field.field_cases import built, deployment

ROW = FabricMountRow(
    file_system="c:Store", enabled="fast", zone="zone", template="c:Template", data="data", machine="machine",
    interfaces="cards.kind", kind="efa", without=("old.*",), users=(("c:Group", "template", "zone"),),
    steps=((r"^\s*load\b", "loads nothing"), (r"^again", "is run once")), source="guide",
)  # fmt: skip


def told(
    *, data: str = "", zone: str = "a", machine: str = "new.large", kind: str = "efa-only", fast: bool = True
) -> Any:
    text = f'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/x-shellscript\n\n{data}\n--b--\n'
    template = built(
        "c:Template",
        "t",
        {"data": base64.b64encode(text.encode()).decode(), "machine": machine, "cards": [{"kind": kind}]},
    )
    made = (
        built("c:Store", "s", {"fast": fast, "zone": "a"}),
        template,
        built("c:Group", "g", {"template": "t", "zone": zone}),
    )
    return [one.message for one in lnet(deployment(FieldFacts(nodes="x", fabric_mounts=(ROW,)), resources=made))]


def test_each_step_that_is_missing_is_told() -> None:
    assert told(data="  load x\nagain") == []
    assert [one.rpartition(" user data ")[2] for one in told(data="load x")] == ["is run once"]
    assert [one.rpartition(" user data ")[2] for one in told(data="echo load")] == ["loads nothing", "is run once"]


@pytest.mark.parametrize("other", [{"zone": "b"}, {"machine": "old.large"}, {"kind": "interface"}])
def test_a_fabric_that_no_machine_reaches_is_told(other: dict[str, Any]) -> None:
    (message,) = told(**other)
    assert "no machine of its zone reaches it" in message
    assert told(fast=False, **other) == []
