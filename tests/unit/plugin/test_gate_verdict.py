"""Verdicts on a gate's checks together."""

import json

import pytest

from plugin.kubernetes.gate.verdict import (
    Check,
    CheckState,
    GateState,
    Subject,
    check_devices,
    check_fabric,
    conclude,
)

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
    assert verdict.state is GateState.FAIL
    assert "b is kept out: offers 7 of 8 x nvidia.com/gpu" in verdict.reason


def test_a_pool_with_a_node_to_spare_passes_without_the_bad_one() -> None:
    checks = [*whole("a", "c"), check_devices("train", "b", DEVICES, {})]
    assert conclude({"train": 2}, checks).state is GateState.PASS


def test_a_node_whose_volume_fails_counts_as_out() -> None:
    bad = Check(subject=Subject.VOLUME, pool="train", node="b", state=CheckState.FAIL, reason="read-only file system")
    verdict = conclude({"train": 2}, [*whole("a", "b"), bad])
    assert verdict.state is GateState.FAIL
    assert "b is kept out: read-only file system" in verdict.reason


def test_slow_nodes_are_named_and_the_second_measurement_counts() -> None:
    slow = evidence(state="fail", reason="c is slow", slowNodes=["c"])
    first = check_fabric("train", [slow], 100.0, ["a", "b", "c"])
    assert [check.node for check in first] == ["", "c"]
    assert conclude({"train": 3}, [*whole("a", "b", "c"), *first]).state is GateState.FAIL
    again = check_fabric("train", [evidence()], 100.0, ["a", "b"])
    assert conclude({"train": 2}, [*whole("a", "b", "c"), *first, *again]).state is GateState.PASS


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
    assert conclude({"train": 2}, [*whole("a", "b"), *checks]).state is GateState.UNKNOWN


def test_the_worst_of_several_words_counts() -> None:
    words = [evidence(), evidence(state="unknown", reason="late"), evidence(state="fail", reason="slow")]
    assert check_fabric("train", words, 0.0, ["a"])[0].reason == "slow"


def test_a_missing_node_fails_whatever_else_is_well() -> None:
    missing = Check(subject=Subject.NODES, pool="train", state=CheckState.FAIL, reason="1 of 2 nodes are Ready")
    assert conclude({"train": 2}, [missing, *whole("a")]).state is GateState.FAIL


def missing(pool: str) -> Check:
    return Check(subject=Subject.NODES, pool=pool, state=CheckState.FAIL, reason="0 of 2 nodes are Ready")


def test_pools_are_judged_one_by_one() -> None:
    verdict = conclude({"train": 1, "serve": 2}, [*whole("a"), missing("serve")])
    assert (verdict.state, dict(verdict.shut)) == (GateState.PARTIAL, {"serve": "nodes: 0 of 2 nodes are Ready"})
    assert verdict.open == {"train"}
    assert verdict.reason == "serve: nodes: 0 of 2 nodes are Ready"


def test_the_whole_fails_where_no_pool_is_fit() -> None:
    """A pool of which nothing is expected yet has shown nothing."""
    verdict = conclude({"train": 2, "serve": 2, "later": 0}, [missing("train"), missing("serve")])
    assert (verdict.state, list(verdict.shut), verdict.open) == (GateState.FAIL, ["train", "serve"], frozenset())
    assert conclude({"train": 2, "later": 0}, [missing("train")], {"later"}).state is GateState.PARTIAL


def test_an_unknown_pool_beside_a_failed_one_is_open() -> None:
    (unknown,) = check_fabric("train", [], 100.0, ["a"])
    verdict = conclude({"train": 1, "serve": 2}, [*whole("a"), unknown, missing("serve")])
    assert (verdict.state, set(verdict.open)) == (GateState.PARTIAL, {"train"})


def test_a_pool_that_was_open_stays_so_while_it_lacks_nodes_alone() -> None:
    """Work runs there, and may have to start again; a fabric that is bad is another matter."""
    short = conclude({"train": 2}, [missing("train")], {"train"})
    assert (short.state, list(short.shut), set(short.open)) == (GateState.FAIL, ["train"], {"train"})
    (bad,) = check_fabric("train", [evidence(busbwGbps=9.0)], 100.0, ["a", "b"])
    assert conclude({"train": 2}, [*whole("a", "b"), bad], {"train"}).open == frozenset()


def test_a_check_comes_back_from_what_is_kept() -> None:
    check = missing("serve")
    assert Check.from_json(check.as_json()) == check
