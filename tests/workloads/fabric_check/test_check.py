"""The check with real processes over gloo: what is healthy passes, what is not is found and named."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.fabric_check import nodes as faults
from tests.workloads.fabric_check.nodes import run_nodes
from workloads.fabric_check.__main__ import main
from workloads.fabric_check.agent import Work
from workloads.fabric_check.config import parse_check
from workloads.fabric_check.evidence import EXIT, FabricState

END_S = 240.0
SMALL = {"sizes": [4096, 1_048_576], "iterations": 2, "timeoutS": 120.0}


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def check(tmp_path: Path, work: Work, nodes: int = 4, absent: int = 0, **asked: Any) -> list[dict[str, Any]]:
    """The evidence of every node that came, in the form in which it is kept."""
    spec = parse_check(json.dumps({**SMALL, "volume": str(tmp_path / "volume"), **asked}))
    made = run_nodes(spec, tmp_path / "meeting" / "one", work, nodes=nodes, absent=absent)
    return [json.loads(evidence.line()) for evidence in made]


def test_healthy_nodes_pass_and_all_say_the_same(tmp_path: Path) -> None:
    made = check(tmp_path, faults.healthy, nodes=2, ranksPerNode=2)
    assert made[0] == made[1]
    assert (made[0]["state"], made[0]["nodes"], made[0]["ranks"]) == ("pass", 2, 4)
    assert made[0]["slowNodes"] == []
    assert made[0]["busbwGbps"] > 0
    assert [size for size, _ in made[0]["sweep"]] == SMALL["sizes"]
    assert made[0]["transport"] == "tcp"
    assert not list((tmp_path / "volume").iterdir())


def test_a_slow_node_is_named_among_those_that_meet_it(tmp_path: Path) -> None:
    made = check(tmp_path, faults.node_two_is_slow)
    assert made[0]["state"] == "fail"
    assert made[0]["slowNodes"] == ["node-2"]
    assert "node-2 is slow" in made[0]["reason"]


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (faults.node_one_cannot_write, "Read-only file system"),
        (faults.node_one_has_another_volume, "is not seen by node-0"),
    ],
)
def test_a_node_without_the_volume_is_named(tmp_path: Path, work: Work, why: str) -> None:
    made = check(tmp_path, work, nodes=2)
    assert made[0] == made[1]
    assert (made[0]["state"], made[0]["slowNodes"]) == ("fail", ["node-1"])
    assert "node-1: " in made[0]["reason"]
    assert why in made[0]["reason"]


def test_a_floor_that_is_not_reached_fails_and_of_two_nodes_both_are_named(tmp_path: Path) -> None:
    (first, _) = check(tmp_path, faults.healthy, nodes=2, floorGbps=100_000.0)
    assert (first["state"], first["slowNodes"]) == ("fail", ["node-0", "node-1"])
    assert "below the floor of 100000" in first["reason"]


def test_tcp_in_place_of_a_fabric_is_a_failure(tmp_path: Path) -> None:
    (first, _) = check(tmp_path, faults.everybody_uses_sockets, nodes=2, fabric=True)
    assert first["state"] == "fail"
    assert "node-1 fell back to TCP (Socket)" in first["reason"]
    (first, _) = check(tmp_path / "again", faults.everybody_uses_sockets, nodes=2, fabric=False)
    assert first["state"] == "pass"


def test_a_node_that_dies_makes_it_unknown_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    made = check(tmp_path, faults.node_one_dies, nodes=2, timeoutS=15.0)
    assert [evidence["state"] for evidence in made] == ["unknown", "unknown"]
    assert "a rank of node-1 was killed" in made[1]["reason"]


def test_nodes_that_do_not_come_are_told(tmp_path: Path) -> None:
    (first,) = check(tmp_path, faults.healthy, nodes=2, absent=1, timeoutS=2.0)
    assert first["state"] == "unknown"
    assert first["reason"] == "1 of 2 nodes did not come within 2 s; there were node-0"


def test_each_verdict_has_an_exit_code_of_its_own() -> None:
    assert EXIT == {FabricState.PASS: 0, FabricState.FAIL: 1, FabricState.UNKNOWN: 75}


def test_by_hand_on_this_machine(tmp_path: Path) -> None:
    """`penstock check`, as a user types it; with a floor that no machine reaches."""
    arguments = ["--ranks", "2", "--volume", str(tmp_path), "--floor-gbps", "100000"]
    command = [sys.executable, "-m", "penstock", "check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 1, done.stderr
    evidence = json.loads(done.stdout.splitlines()[-1])
    assert (evidence["state"], evidence["ranks"], evidence["nodes"]) == ("fail", 2, 1)


def test_nodes_of_a_batch_job_meet_by_the_variables_of_batch(tmp_path: Path) -> None:
    """Two containers of one job, the main node the second that starts; of a volume they know nothing."""
    spec = json.dumps({**SMALL, "ranksPerNode": 1})
    job = {"AWS_BATCH_JOB_NUM_NODES": "2", "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0"}
    own: tuple[dict[str, str], ...] = ({"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS": "127.0.0.1"}, {})
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "workloads.fabric_check", "--spec", spec],
            env={**os.environ, **job, **one, "AWS_BATCH_JOB_NODE_INDEX": str(index), "NODE_NAME": f"node-{index}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for index, one in zip((1, 0), own, strict=True)
    ]
    made = [json.loads(one.communicate(timeout=END_S)[0].splitlines()[-1]) for one in started]
    assert [one.returncode for one in started] == [0, 0], made
    assert {(one["state"], one["nodes"], one["ranks"], one["transport"]) for one in made} == {("pass", 2, 2, "tcp")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ranks", "1"], "--ranks: 1 rank has no other to exchange with; give 2 or more"),
        (["--ranks", "0"], "--ranks: 0 is out of range; 2 or more is right"),
        (["--nodes", "2", "--node", "2"], "--node: 2 is not among 2 nodes"),
        (["--nodes", "2"], "--volume: is missing"),
        (["--spec", "{"], "(text): is not JSON ("),
        (["--spec", '{"sizes": [8, 4]}'], "sizes: give bytes in rising order"),
    ],
)
def test_mistakes_are_told_in_one_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 78
    assert message in capsys.readouterr().err


def test_a_mistake_is_told_before_torch_is_imported() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "workloads.fabric_check", "--ranks", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.endswith(" torch")]
