"""A resource that waits for what a cloud switches on."""

from typing import Any

import pytest

from components.errors import PenstockError
from plugin.on_create import OnCreate

INPUTS: dict[str, Any] = {"project": "p", "services": ["one", "two"]}


def waiting(waited: list[Any], refuses: str = "") -> OnCreate:
    def wait(call: Any, inputs: Any) -> None:
        waited.append(inputs["services"])
        if refuses:
            raise PenstockError(refuses)

    return OnCreate(inputs=lambda: {"project": str, "services": list}, wait=wait)


def test_it_is_there_when_the_wait_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    waited: list[Any] = []
    kind = waiting(waited)
    assert kind.create(None, INPUTS) == {}  # type: ignore[arg-type]
    assert waited == [["one", "two"]]
    kind.delete(None, INPUTS)  # type: ignore[arg-type]
    assert waited == [["one", "two"]]
    assert capsys.readouterr().out == ""


def test_another_service_is_waited_for_in_place() -> None:
    waited: list[Any] = []
    kind, more = waiting(waited), {**INPUTS, "services": ["one", "two", "three"]}
    (change,) = kind.diff(INPUTS, more, {})
    assert (change.name, change.replaces) == ("services", False)
    assert kind.diff(INPUTS, dict(INPUTS), {}) == []
    kind.update(None, INPUTS, more)  # type: ignore[arg-type]
    assert waited == [["one", "two", "three"]]


def test_an_input_that_is_missing_is_told_and_a_refusal_is_handed_on() -> None:
    assert [problem.name for problem in waiting([]).check({"project": "p"})] == ["services"]
    with pytest.raises(PenstockError, match="off"):
        waiting([], "off").create(None, INPUTS)  # type: ignore[arg-type]
