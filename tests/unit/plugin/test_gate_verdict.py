"""Verdicts on a gate's checks together."""

import json

import pytest

from plugin.kubernetes.gate.verdict import Check, CheckState, Subject, check_devices, check_fabric, conclude

DEVICES = {"nvidia.com/gpu": 8, "rdma/hca": 1}


def whole(*nodes: str) -> list[Check]:
    return [check_devices("train", node, DEVICES, DEVICES) for node in nodes]


def evidence(**values: object) -> str:
    return json.dumps({"state": "pass", "reason": "fine", "busbwGbps": 400.0, "slowNodes": []} | values)


@pytest.mark.parametrize(
    ("offered", "state", "words"),
    [
        ({"nvidia.com/gpu": 8, "rdma/hca": 1}, CheckState.PASS, "8 x nvidia.com/gpu"),
        ({"nvidia.com/gpu": 7, "rdma/hca": 1}, CheckState.FAIL, "7 of 8 x nvidia.com/gpu"),
        ({"nvidia.com/gpu": 8}, CheckState.FAIL, "0 of 1 x rdma/hca"),
    ],
)
def test_a_node_is_asked_for_every_device(offered: dict[str, int], state: CheckState, words: str) -> None:
    check = check_devices("train", "a", DEVICES, offered)
    assert (check.state, words in check.reason) == (state, True)


def test_a_bad_node_fails_a_pool_that_needs_it() -> None:
    checks = [*whole("a"), check_devices("train", "b", DEVICES, {"nvidia.com/gpu": 7, "rdma/hca": 1})]
    verdict = conclude({"train": 2}, checks)
    assert verdict.state is CheckState.FAIL
    assert "b is kept out: offers 7 of 8 x nvidia.com/gpu" in verdict.reason


def test_a_pool_with_a_node_to_spare_passes_without_the_bad_one() -> None:
    checks = [*whole("a", "c"), check_devices("train", "b", DEVICES, {})]
    assert conclude({"train": 2}, checks).state is CheckState.PASS


def test_a_node_whose_volume_fails_counts_as_out() -> None:
    bad = Check(subject=Subject.VOLUME, pool="train", node="b", state=CheckState.FAIL, reason="read-only file system")
    verdict = conclude({"train": 2}, [*whole("a", "b"), bad])
    assert verdict.state is CheckState.FAIL
    assert "b is kept out: read-only file system" in verdict.reason


def test_slow_nodes_are_named_and_the_second_measurement_counts() -> None:
    slow = evidence(state="fail", reason="c is slow", slowNodes=["c"])
    first = check_fabric("train", [slow], 100.0, ["a", "b", "c"])
    assert [check.node for check in first] == ["", "c"]
    assert conclude({"train": 3}, [*whole("a", "b", "c"), *first]).state is CheckState.FAIL
    again = check_fabric("train", [evidence()], 100.0, ["a", "b"])
    assert conclude({"train": 2}, [*whole("a", "b", "c"), *first, *again]).state is CheckState.PASS


def test_a_pass_below_the_floor_is_none() -> None:
    (check,) = check_fabric("train", [evidence(busbwGbps=99.0)], 100.0, ["a", "b"])
    assert (check.state, "below the floor of 100" in check.reason) == (CheckState.FAIL, True)


def test_nodes_outside_the_pool_are_never_named() -> None:
    slow = evidence(state="fail", reason="x is slow", slowNodes=["x"])
    assert [check.node for check in check_fabric("train", [slow], 0.0, ["a"])] == [""]


@pytest.mark.parametrize("messages", [[], ["", "Killed"], ['{"state": "odd", "reason": ""}'], ["[1]"]])
def test_without_evidence_nothing_is_known(messages: list[str]) -> None:
    checks = check_fabric("train", messages, 100.0, ["a", "b"])
    assert [check.state for check in checks] == [CheckState.UNKNOWN]
    assert conclude({"train": 2}, [*whole("a", "b"), *checks]).state is CheckState.UNKNOWN


def test_the_worst_of_several_words_counts() -> None:
    words = [evidence(), evidence(state="unknown", reason="late"), evidence(state="fail", reason="slow")]
    assert check_fabric("train", words, 0.0, ["a"])[0].reason == "slow"


def test_a_missing_node_fails_whatever_else_is_well() -> None:
    missing = Check(subject=Subject.NODES, pool="train", state=CheckState.FAIL, reason="1 of 2 nodes are Ready")
    assert conclude({"train": 2}, [missing, *whole("a")]).state is CheckState.FAIL
