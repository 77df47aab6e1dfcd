"""Pools that the gate has set to no nodes get their size back when it looks again."""

from types import SimpleNamespace
from typing import Any

import pytest

from components.errors import PenstockError
from plugin.kubernetes.gate import run as subject
from plugin.kubernetes.gate.sizes import due, made_since, recounted, relimited, unchanged
from plugin.kubernetes.gate.waiting import NodesOf

SCALER = {"cloud": "fog", "group": "train-group"}
POOLS = [{"pool": name, "nodes": 4} for name in ("train", "serve", "edge")]


class Operations:
    """A cloud that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def scale_to_zero(self, scaler: dict[str, str]) -> None:
        self.asked.append(scaler["group"])
        raise PenstockError("throttled")

    def limit(self, scaler: dict[str, str]) -> None:
        self.asked.append((scaler["group"], scaler["least"], scaler["most"]))

    def shortage(self, scaler: dict[str, str]) -> str:
        if scaler["group"] == "unknown":
            raise PenstockError("AccessDenied")
        return "InsufficientInstanceCapacity"

    def turn_to(self, scaler: dict[str, str], other: dict[str, str], missing: int) -> int:
        self.asked.append((scaler["group"], other["group"], missing))
        return missing

    def restore(self, scaler: dict[str, str], nodes: int) -> int:
        self.asked.append((scaler["group"], nodes))
        return nodes + 2


class Voice:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Call:
    def __init__(self) -> None:
        self.voice = Voice()


def test_resize_sets_the_pools_that_it_is_given_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    clouds = {"fog": Operations()}
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    call: Any = Call()
    inputs = {"pools": POOLS, "scalers": {"train": SCALER, "serve": SCALER | {"group": "serve-group"}}}
    subject._Gate(call, Any, inputs).resize(["train", "edge"])  # type: ignore[arg-type]
    assert clouds["fog"].asked == [("train-group", 4)]
    assert call.voice.said == ["train is set to 6 nodes"], "as many as it has, where it keeps more"


def test_a_pool_is_known_as_emptied_before_its_cloud_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next gate gives the pool its nodes back, whatever has ended this one after the request."""
    clouds, saved = {"fog": Operations()}, {"emptied": ["serve"], "state": "pass"}
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    monkeypatch.setattr("plugin.kubernetes.gate.evidence.load", lambda _api, _name: saved)
    monkeypatch.setattr("plugin.kubernetes.gate.evidence.save", lambda _api, _name, outputs: saved.update(outputs))
    call: Any = Call()
    inputs = {"name": "gate", "pools": POOLS, "scalers": {"train": SCALER}, "timeoutS": 60}
    gate = subject._Gate(call, Any, inputs)  # type: ignore[arg-type]
    with pytest.raises(PenstockError, match="throttled"):
        gate._nodes(POOLS[0], NodesOf(there={}, others=""))
    assert clouds["fog"].asked == ["train-group"]
    assert saved == {"emptied": ["train"], "state": "pass"}


@pytest.mark.parametrize(("scaler", "whole"), [(SCALER | {"prepaid": "true"}, ()), (SCALER, ("train",))])
def test_a_pool_that_is_prepaid_or_once_was_whole_is_never_emptied(
    scaler: dict[str, str], whole: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds = {"fog": Operations()}
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    call: Any = Call()
    inputs = {"name": "gate", "pools": POOLS, "scalers": {"train": scaler}, "timeoutS": 60}
    gate = subject._Gate(call, Any, inputs, whole=whole)  # type: ignore[arg-type]
    (check,) = gate._nodes(POOLS[0], NodesOf(there={}, others=""))
    assert check.reason == "0 of 4 nodes are Ready after 60 s: InsufficientInstanceCapacity"
    assert (clouds["fog"].asked, gate.emptied, gate.told) == ([], [], [])


def test_a_pool_with_all_of_its_nodes_is_remembered() -> None:
    call: Any = Call()
    gate = subject._Gate(call, Any, {"pools": POOLS, "timeoutS": 60})  # type: ignore[arg-type]
    gate._nodes({"pool": "edge", "nodes": 1, "devices": {}}, NodesOf(there={"a": {}}, others=""))
    assert gate.whole == {"edge"}


def test_only_a_changed_number_of_nodes_is_set() -> None:
    before = {"pools": [{"pool": "train", "nodes": 1}, {"pool": "serve", "nodes": 4}]}
    assert recounted(before, {"pools": POOLS}) == {"train"}
    assert recounted(None, {"pools": POOLS}) == set()


def test_changed_limits_are_set_and_leave_the_size_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clouds = {"fog": Operations()}
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    call: Any = Call()
    before = {"scalers": {"train": SCALER | {"least": "0", "most": "4"}, "serve": SCALER | {"least": "1", "most": "1"}}}
    after = {"pools": POOLS, "scalers": before["scalers"] | {"train": SCALER | {"least": "2", "most": "4"}}}
    changed = relimited(before, after)
    assert changed == {"train"}
    assert relimited({"scalers": {"train": SCALER}}, after) == set()
    subject._Gate(call, Any, after).limit(changed)  # type: ignore[arg-type]
    assert clouds["fog"].asked == [("train-group", "2", "4")]


def test_a_pool_that_was_whole_may_have_been_taken_to_its_least_since() -> None:
    scalers = {"train": SCALER | {"least": "1", "most": "8"}, "serve": SCALER | {"least": "0", "prepaid": "true"}}
    found = [due(pool, {"scalers": scalers}, {"train", "serve", "edge"})["nodes"] for pool in POOLS]
    assert found == [1, 4, 4]
    assert due(POOLS[0], {"scalers": scalers}, ())["nodes"] == 4


def test_only_what_is_looked_at_makes_a_pool_another() -> None:
    pool = {"pool": "train", "nodes": 4, "selector": {}, "devices": {}, "floorGbps": 0.0, "check": {"image": "a"}}
    other = {**pool, "pool": "serve"}
    after = {"pools": [{**pool, "check": {"image": "b"}}, {**other, "devices": {"nvidia.com/gpu": 8}}]}
    assert unchanged({"pools": [pool, other]}, after) == {"train"}
    assert unchanged(None, after) == set()


def test_machines_of_another_group_are_sized_and_nothing_is_known_of_them() -> None:
    """The engine makes a group without nodes, and one that was made anew has none of those that were looked at."""
    old = {"scalers": {"train": SCALER | {"machines": "a"}, "serve": SCALER | {"machines": "b"}, "edge": SCALER}}
    new = {"scalers": {"train": SCALER | {"machines": "c"}, "serve": SCALER | {"machines": "b"}, "edge": SCALER}}
    assert made_since(old, new) == {"train"}
    assert made_since(old, {"scalers": old["scalers"] | {"more": SCALER}}) == {"more"}
    assert made_since(None, new) == {"train", "serve", "edge"}, "the first look gives every pool its size"
    found = {"whole": ["train", "serve"], "open": ["train", "serve"], "state": "pass", "checks": []}
    last = subject._Last.of(found).without({"train"})
    assert last.whole == last.opened == frozenset({"serve"})


SPOT = {"train": SCALER | {"fallback": "spare"}, "spare": SCALER | {"group": "spare-group"}}


def waited(monkeypatch: pytest.MonkeyPatch, there: int, pool: dict[str, Any]) -> tuple[list[Any], list[float]]:
    """Requests to the cloud, and the patience of each wait, where so many nodes are there."""
    clouds, patience = {"fog": Operations()}, list[float]()
    monkeypatch.setattr(subject, "operations", clouds.__getitem__)
    monkeypatch.setattr(subject._Gate, "_patience", lambda _self, timeout_s: patience.append(timeout_s))
    nodes = NodesOf(there={f"node-{number}": {} for number in range(there)}, others="")
    monkeypatch.setattr(subject, "wait_for_nodes", lambda *_: {"train": nodes})
    inputs = {"name": "gate", "pools": [pool], "scalers": SPOT, "timeoutS": 1800}
    call: Any = Call()
    subject._Gate(call, Any, inputs)._wait()  # type: ignore[arg-type]
    return clouds["fog"].asked, patience


def test_what_a_pool_lacks_the_one_that_stands_in_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = {"pool": "train", "nodes": 4}
    assert waited(monkeypatch, 1, pool) == ([("train-group", "spare-group", 3)], [1800, 600])
    assert waited(monkeypatch, 4, pool)[0] == []
    assert waited(monkeypatch, 0, {**pool, "nodes": 0}) == ([], [1800]), "one that asks for none is not waited for"


def test_a_pool_that_stays_incomplete_is_emptied_with_the_one_that_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(subject, "operations", lambda _cloud: SimpleNamespace(
        scale_to_zero=lambda scaler: asked.append(scaler["group"]), shortage=lambda _scaler: ""
    ))  # fmt: skip
    monkeypatch.setattr("plugin.kubernetes.gate.evidence.note_emptied", lambda *_: None)
    call: Any = Call()
    gate = subject._Gate(call, Any, {"name": "gate", "pools": [], "scalers": SPOT, "timeoutS": 60})  # type: ignore[arg-type]
    gate._nodes({"pool": "train", "nodes": 4, "devices": {}}, NodesOf(there={"a": {}}, others=""))
    assert (asked, gate.emptied) == (["train-group", "spare-group"], ["train"])


def test_a_cloud_that_does_not_say_why_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "operations", {"fog": Operations()}.__getitem__)
    assert subject._why(SCALER | {"group": "unknown"}) == ": AccessDenied"
    assert subject._why(None) == ""
