"""An exported state."""

import json
from typing import Any

import pytest

from engine.state import PendingOperation, parse_state, with_creates_settled

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x:y"}
STACK: dict[str, Any] = {
    "urn": "urn:pulumi:dev::tiny::pulumi:pulumi:Stack::tiny-dev",
    "type": "pulumi:pulumi:Stack",
    "outputs": {"token": SECRET},
}
FILE: dict[str, Any] = {
    "urn": "urn:pulumi:dev::tiny::tiny:index:File::file",
    "type": "tiny:index:File",
    "id": "7",
    "inputs": {"text": "hello"},
}


def export(*resources: object, pending: object = None) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": list(resources), "pending_operations": pending}})


def test_outputs_and_resources() -> None:
    state = parse_state(export(STACK, FILE))
    assert state.outputs == {"token": SECRET}
    assert state.named("file").id == "7"
    assert state.named("file").inputs == {"text": "hello"}
    with pytest.raises(KeyError, match="0 resources are called 'other'"):
        state.named("other")


def test_a_resource_comes_after_its_component_and_what_that_waits_for() -> None:
    first, second = FILE["urn"] + "-1", FILE["urn"] + "-2"
    state = parse_state(export(FILE | {"dependencies": [first], "parent": second}, STACK))
    assert [one.needs for one in state.resources] == [(first, second), ()]


def test_what_an_engine_that_died_left_open() -> None:
    state = parse_state(export(STACK, pending=[{"type": "creating", "resource": FILE}]))
    begun = PendingOperation(op="creating", urn=FILE["urn"], type=FILE["type"], inputs=FILE["inputs"])
    assert state.pending == (begun,)


def test_a_stack_that_never_had_anything() -> None:
    state = parse_state(json.dumps({"version": 3, "deployment": None}))
    assert state.resources == ()
    assert state.outputs == {}


def test_creates_that_took_place_become_resources() -> None:
    other = FILE | {"urn": FILE["urn"] + "-2", "id": ""}
    begun = {"type": "creating", "resource": FILE | {"id": ""}}
    text = export(STACK, FILE, pending=[begun, {"type": "creating", "resource": other}])
    settled = json.loads(with_creates_settled(text, {FILE["urn"]: "8"}))["deployment"]
    assert "pending_operations" not in settled
    assert [(one["urn"], one.get("id"), one.get("delete")) for one in settled["resources"]] == [
        (STACK["urn"], None, None),
        (FILE["urn"], "7", True),  # what it was to replace goes as the engine would have let it go
        (FILE["urn"], "8", None),
    ]
    assert settled["resources"][2]["outputs"] == FILE["inputs"]
