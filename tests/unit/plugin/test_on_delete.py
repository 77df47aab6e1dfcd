"""Resources that do nothing until they are deleted."""

from typing import Any, cast

from plugin.calls import Call, Properties
from plugin.on_delete import OnDelete, network_drain

CALL = cast("Call", None)


def resource(done: list[Properties]) -> OnDelete:
    return OnDelete(
        inputs=lambda: {"kubeconfig": str, "namespace": str}, delete=lambda _, outputs: done.append(outputs)
    )


def test_only_delete_does_anything() -> None:
    done: list[Properties] = []
    one, inputs = resource(done), {"kubeconfig": "a", "namespace": "b"}
    assert one.foresee(inputs, None) == one.create(CALL, inputs) == one.update(CALL, inputs, inputs) == {}
    found = one.read(inputs)
    assert found is not None
    assert (found.outputs, found.reasons, done) == ({}, (), [])
    one.delete(CALL, inputs)
    assert done == [inputs]


def test_a_new_kubeconfig_is_no_change_and_another_namespace_is() -> None:
    old: dict[str, Any] = {"kubeconfig": "a", "namespace": "b"}
    assert resource([]).diff(old, old | {"kubeconfig": "c"}, {}) == []
    assert [change.name for change in resource([]).diff(old, old | {"namespace": "c"}, {})] == ["namespace"]


def test_a_missing_input_is_a_problem() -> None:
    assert [problem.name for problem in resource([]).check({"kubeconfig": "a"})] == ["namespace"]
    asked = {"region", "cluster", "vpc", "patienceS", "identity"}
    assert {problem.name for problem in network_drain("aws").check({})} == asked
