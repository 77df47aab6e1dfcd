"""Property values between the engine's messages and Python."""

from itertools import permutations
from typing import Any

from google.protobuf.struct_pb2 import Struct

from engine.provider.values import SECRET, SIGNATURE, UNKNOWN_TEXT, Unknown, answer, is_known, plain


def message(**fields: Any) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct


def secret(value: object) -> dict[str, object]:
    return {SIGNATURE: SECRET, "value": value}


def test_whole_numbers_are_ints_and_others_stay() -> None:
    assert plain(message(steps=300, rate=0.5, flag=True, none=None)) == {
        "steps": 300, "rate": 0.5, "flag": True, "none": None,
    }  # fmt: skip
    assert type(plain(message(steps=300))["steps"]) is int


def test_secrets_are_opened_wherever_they_lie() -> None:
    inputs = message(env={"TOKEN": secret("hunter2")}, all=secret({"list": [1, secret(2)]}))
    assert plain(inputs) == {"env": {"TOKEN": "hunter2"}, "all": {"list": [1, 2]}}


def test_keys_are_in_the_order_of_their_names_in_whatever_order_they_came() -> None:
    """A message's map has no order, so that a list which is made of it would differ from one call to the next."""
    names = ["Name", "cost", "penstock:project", "penstock:stack", "team"]
    for order in permutations(names):
        inputs = Struct()
        for name in order:
            inputs.fields["tags"].struct_value.fields[name].string_value = "x"
        assert list(plain(Struct.FromString(inputs.SerializeToString()))["tags"]) == names


def test_unknowns_are_found_wherever_they_lie() -> None:
    inputs = plain(message(job={"folders": ["a", UNKNOWN_TEXT]}, name="run"))
    assert isinstance(inputs["job"]["folders"][1], Unknown)
    assert not is_known(inputs)
    assert is_known(inputs["name"])


def test_an_answer_keeps_secrets_secret_and_unknowns_unknown() -> None:
    inputs = message(env=secret({"TOKEN": "hunter2"}))
    told = answer(inputs, plain(inputs) | {"step": Unknown(), "loss": float("nan"), "url": "http://127.0.0.1:8000"})
    assert told["env"] == inputs["env"]
    assert told["step"] == UNKNOWN_TEXT
    assert told["loss"] is None, "NaN is no JSON"
    assert told["url"] == "http://127.0.0.1:8000"
