"""The agent that comes with a job's file: real processes that run programs of the user's own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.pods import command_agent

AGENT = Path(command_agent.__file__)
SHOW = (
    "import os, pathlib\nkeys = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'GROUP_RANK', 'MASTER_ADDR')\n"
    "text = ' '.join(os.environ[key] for key in keys)\n"
    "pathlib.Path(os.environ['PENSTOCK_RUN_FOLDER'], 'rank-' + os.environ['RANK']).write_text(text)\n"
)
MEET = (
    "import os, torch, torch.distributed as dist, pathlib\ndist.init_process_group('gloo')\n"
    "sum = torch.tensor([float(dist.get_rank())])\ndist.all_reduce(sum)\n"
    "pathlib.Path(os.environ['PENSTOCK_RUN_FOLDER'], f'sum-{dist.get_rank()}').write_text(str(sum.item()))\n"
    "dist.destroy_process_group()\n"
)
READY = "import os, pathlib\npathlib.Path(os.environ['PENSTOCK_RUN_FOLDER'], 'up-' + os.environ['RANK']).touch()\n"
WAITS = (
    f"import signal, sys, time\n{READY}signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "while True: time.sleep(0.05)\n"
)
DEAF = f"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}while True: time.sleep(0.05)\n"


@contextmanager
def agent(
    folder: Path, program: str | Sequence[str], *, node: int = 0, slice_: str = "", rendezvous: str = "", **job: Any
) -> Iterator[subprocess.Popen[str]]:
    """A running agent; ended when the block is left."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    command = [sys.executable, "-c", program] if isinstance(program, str) else list(program)
    given = {"command": command, "nodes": 1, "ranksPerNode": 2, "runFolder": str(run), "stopS": 20.0} | job
    file = folder / f"job-{slice_}-{node}.json"
    file.write_text(json.dumps(given))
    words = [sys.executable, str(AGENT), str(file), *(["--rendezvous", rendezvous] if rendezvous else [])]
    env = {**os.environ, "NODE_RANK": str(node), **({"SLICE_INDEX": slice_} if slice_ else {})}
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(folder: Path, program: str | Sequence[str], **job: Any) -> tuple[int, str, str]:
    """Exit code, state and message."""
    with agent(folder, program, **job) as process:
        code = process.wait(60)
    status = told(folder)
    return code, status["state"], status["message"]


def told(folder: Path) -> dict[str, Any]:
    status: dict[str, Any] = json.loads((folder / "run/status.json").read_text())
    return status


def until(is_so: Callable[[], bool], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def all_up(folder: Path, ranks: int = 2) -> bool:
    return len(list((folder / "run").glob("up-*"))) == ranks


def test_each_rank_knows_its_place_and_a_whole_run_has_finished(tmp_path: Path) -> None:
    with agent(tmp_path, SHOW, node=1, nodes=2, rendezvous="node-0.gang:29400") as second:
        assert second.wait(30) == 0
    assert not (tmp_path / "run/status.json").exists(), "node 0 alone writes it"
    assert ended(tmp_path, SHOW, nodes=2, rendezvous="node-0.gang:29400")[:2] == (0, "finished")
    told_by = {path.name: path.read_text().split() for path in (tmp_path / "run").glob("rank-*")}
    assert told_by == {
        f"rank-{rank}": [str(rank), str(rank % 2), "4", str(rank // 2), "node-0.gang"] for rank in range(4)
    }
    assert told(tmp_path)["worldSize"] == 4


def test_nodes_are_numbered_through_all_slices(tmp_path: Path) -> None:
    """Each slice's own job counts its nodes from 0; the gang's node 0 alone tells how the run stands."""
    sliced: dict[str, Any] = {"nodes": 4, "ranksPerNode": 1, "sliceNodes": 2}
    for slice_, node in (("1", 1), ("1", 0), ("0", 1)):
        with agent(tmp_path, SHOW, node=node, slice_=slice_, **sliced) as one:
            assert one.wait(30) == 0
        assert not (tmp_path / "run/status.json").exists()
    with agent(tmp_path, SHOW, node=0, slice_="0", **sliced) as first:
        assert first.wait(30) == 0
    assert sorted(path.name for path in (tmp_path / "run").glob("rank-*")) == [f"rank-{rank}" for rank in range(4)]
    assert told(tmp_path)["worldSize"] == 4


def test_torch_meets_over_two_nodes(tmp_path: Path) -> None:
    with (
        agent(tmp_path, MEET, node=1, nodes=2, rendezvous="127.0.0.1:1") as second,
        agent(tmp_path, MEET, node=0, nodes=2, rendezvous="127.0.0.1:1") as first,
    ):
        assert (first.wait(120), second.wait(120)) == (0, 0)
    assert {path.read_text() for path in (tmp_path / "run").glob("sum-*")} == {"6.0"}
    assert len(list((tmp_path / "run").glob("sum-*"))) == 4


@pytest.mark.parametrize(("code", "expected"), [(1, 1), (3, 1), (70, 70), (78, 78)])
def test_a_rank_that_fails_takes_the_others_along_and_tells_whether_it_is_worth_another_try(
    tmp_path: Path, code: int, expected: int
) -> None:
    program = f"import os, sys, time\nif os.environ['RANK'] == '1': sys.exit({code})\ntime.sleep(600)\n"
    assert ended(tmp_path, program) == (expected, "failed", f"rank 1 ended with code {code}")


def test_a_rank_that_is_killed_is_told_and_the_next_start_is_another_attempt(tmp_path: Path) -> None:
    program = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    code, state, message = ended(tmp_path, program, ranksPerNode=1)
    assert (code, state, message) == (1, "failed", "rank 0 was killed by SIGKILL")
    assert told(tmp_path)["attempt"] == 1
    assert ended(tmp_path, SHOW)[0] == 0
    assert told(tmp_path)["attempt"] == 2


def test_a_request_to_stop_reaches_every_rank_once_and_counts_as_no_failure(tmp_path: Path) -> None:
    with agent(tmp_path, WAITS) as process:
        until(lambda: all_up(tmp_path))
        assert told(tmp_path)["state"] == "training"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 75
    assert (told(tmp_path)["state"], told(tmp_path)["message"]) == ("preempted", "stopped on request")


def test_a_rank_that_does_not_hear_is_killed_in_time(tmp_path: Path) -> None:
    with agent(tmp_path, DEAF, stopS=1.0) as process:
        until(lambda: all_up(tmp_path))
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 75
        assert 0.9 < time.monotonic() - started < 8
    assert "killed" in told(tmp_path)["message"]


def test_a_rank_that_stops_in_order_by_itself_ends_the_run_so(tmp_path: Path) -> None:
    assert ended(tmp_path, "import sys\nsys.exit(75)\n")[:2] == (75, "preempted")


def test_a_program_that_the_image_does_not_have_is_the_users_mistake(tmp_path: Path) -> None:
    code, state, message = ended(tmp_path, ["no-such-trainer"])
    assert (code, state) == (78, "failed")
    assert "no-such-trainer: No such file or directory; training.command" in message


def test_prometheus_is_answered_while_it_runs(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with agent(tmp_path, WAITS, metricsPort=port) as process:
        until(lambda: all_up(tmp_path))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 75
    assert {"penstock_world_size 2", "penstock_ranks_running 2", "penstock_attempt 1"} <= set(text.splitlines())


def test_it_needs_nothing_but_pythons_own_library() -> None:
    """An isolated interpreter has no other."""
    command = [sys.executable, "-I", "-S", str(AGENT), "--help"]
    assert subprocess.run(command, capture_output=True, check=True).returncode == 0
