"""A run of two nodes loses one, goes on, and takes it back."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.workloads.pretrain.runs import EVERY, REPOSITORY, Run


@pytest.mark.slow
def test_a_run_shrinks_and_grows(run: Run, unbroken: Run) -> None:
    run.change(nodes=2, minNodes=1, ranksPerNode=1, steps=100_000)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rendezvous = f"127.0.0.1:{port}"
    prepared = [sys.executable, "-m", "workloads.prepare", str(run.job)]
    subprocess.run(prepared, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    first, second = start_agent(run, rendezvous), None
    try:
        # Both could be the meeting point on one machine; the one that is killed below must not be it.
        run.wait_until(lambda _: is_listening(port))
        second = start_agent(run, rendezvous)
        run.wait_until(lambda run: world_size(run) == 2 and run.step >= EVERY + 2)
        second.kill()
        run.wait_until(lambda run: world_size(run) == 1)
        before = run.step
        run.wait_until(lambda run: run.step >= before + 5)
        second = start_agent(run, rendezvous)
        run.wait_until(lambda run: world_size(run) == 2)
        at = run.step
        run.wait_until(lambda run: run.step >= at + 5)
        first.send_signal(signal.SIGTERM)
        second.send_signal(signal.SIGTERM)
        assert (first.wait(60), second.wait(60)) == (75, 75), run.status
    finally:
        for agent in (first, second):
            if agent is not None and agent.poll() is None:
                agent.kill()
    assert run.status["state"] == "preempted"
    assert {line["worldSize"] for line in run.lines if "loss" in line} == {1, 2}
    # No cosine here is as long as the other run's, so only the warm-up is the same.
    for step in range(1, 6):
        assert run.losses[step] == pytest.approx(unbroken.losses[step], abs=1e-4), step
    assert sorted(run.losses) == list(range(1, run.step + 1)), "no step is missing"


def start_agent(run: Run, rendezvous: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "workloads.pretrain", str(run.job), "--rendezvous", rendezvous]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, "--address", "127.0.0.1"], cwd=REPOSITORY, env=environment)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def world_size(run: Run) -> int:
    steps = [line for line in run.lines if "loss" in line]
    return int(str(steps[-1]["worldSize"])) if steps else 0
