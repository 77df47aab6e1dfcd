"""Killed, stopped, hung: the result is that of the run nothing happened to."""

import json
import os
import random
import signal
import socket
import subprocess
import sys

import pytest

from tests.workloads.pretrain.runs import EVERY, REPOSITORY, STEPS, AgentHost, Run
from workloads.pretrain.record.ledger import EventKind, summarize

FAULTS = "tests.workloads.pretrain.faults"


def test_a_killed_worker_costs_the_steps_since_the_last_checkpoint_and_nothing_else(
    host: AgentHost, run: Run, unbroken: Run
) -> None:
    host.start(run, f"{FAULTS}:slow_steps")
    run.wait_until(lambda run: run.step >= 2 * EVERY + 3)
    os.kill(run.workers[1], signal.SIGKILL)
    assert host.wait() == 0, run.status
    assert run.digest == unbroken.digest
    assert run.losses == unbroken.losses
    goodput = summarize(run.folder / "ledger.jsonl")
    assert goodput.restarts == 1
    assert 0 < goodput.lost_steps < 2 * EVERY
    assert goodput.seconds[EventKind.LOST] > 0
    assert run.status["attempt"] == 2


def test_a_worker_that_is_always_lost_ends_the_run_and_the_node_is_checked(host: AgentHost, run: Run) -> None:
    run.change(maxRestarts=2)
    host.start(run, f"{FAULTS}:lost_rank")
    assert host.wait() == 69, "another node may do better"
    assert run.status["state"] == "failed"
    assert run.status["attempt"] == 3
    message = str(run.status["message"])
    assert "rank 1 was killed by SIGKILL; ended after 2 restarts without a new checkpoint between them" in message
    assert message.endswith(f"node {socket.gethostname()} passes a check of its devices")


def test_a_new_checkpoint_gives_restarts_back(host: AgentHost, run: Run, unbroken: Run) -> None:
    """Two losses of a run that may have one between two checkpoints."""
    run.change(maxRestarts=1)
    host.start(run, f"{FAULTS}:slow_steps")
    for attempt, checkpoint in enumerate((1, 3), start=1):
        run.wait_until(lambda run, n=attempt: run.status["attempt"] == n)  # type: ignore[misc]  # a default's type
        run.wait_until(lambda run, n=checkpoint: int(str(run.status["checkpointStep"] or 0)) >= n * EVERY)  # type: ignore[misc]
        os.kill(run.workers[1], signal.SIGKILL)
    assert host.wait() == 0, run.status
    assert run.status["attempt"] == 3
    assert run.digest == unbroken.digest


def test_slow_storage_costs_no_attempt(host: AgentHost, run: Run, unbroken: Run) -> None:
    """A commit takes longer than a step may, and than a due checkpoint waits: one is left out, and nobody is killed."""
    run.change(guard={"hangTimeoutS": 5.0})
    host.start(run, f"{FAULTS}:slower_commit")
    assert host.wait() == 0, run.status
    assert run.status["attempt"] == 1
    assert "storage is slow" in run.log(rank=0)
    assert run.digest == unbroken.digest


def test_an_attempt_without_a_log_has_its_number(host: AgentHost, run: Run) -> None:
    run.change(maxRestarts=2)
    host.start(run, f"{FAULTS}:lost_before_its_log")
    assert host.wait() == 69
    assert run.status["attempt"] == 3
    assert sorted(path.name for path in (run.folder / "logs").glob("attempt-*")) == [
        "attempt-1", "attempt-2", "attempt-3",
    ]  # fmt: skip
    assert not list(run.folder.glob("logs/attempt-*/rank-*.log"))


def test_stderr_says_how_a_run_ends_as_the_log_on_the_volume_does(run: Run) -> None:
    """All that a scheduler's log has of a run that fails."""
    run.change(maxRestarts=1)
    start = (
        "import sys, pathlib; from tests.workloads.pretrain.faults import lost_rank; "
        "from workloads.pretrain.agent.launch import launch; "
        f"sys.exit(launch(pathlib.Path({str(run.job)!r}), worker=lost_rank))"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 69, done.stderr
    log = (run.folder / "logs" / "agent.log").read_text()
    lost = "rank 1 was killed by SIGKILL"
    for line in ("attempt 1: workers {", "attempt 2: workers {", lost, f"ends with code 69: {lost}; ended after 1"):
        assert line in done.stderr
        assert line in log
    assert "Traceback" not in done.stderr


def test_stopping_at_random_steps_changes_no_bit(host: AgentHost, run: Run, unbroken: Run) -> None:
    """One run, stopped again and again; whether during a step, a checkpoint, or an evaluation is left to chance.

    Every stop lands on an evaluation step, which is evaluated once all the same: before it, or when the run goes on.
    """
    run.change(evaluateEverySteps=1)
    chance = random.Random(os.urandom(8))  # noqa: S311  # a test's dice
    stops = 0
    while True:
        before = run.step
        host.start(run, f"{FAULTS}:slow_steps")
        if before >= STEPS - 7:
            assert host.wait() == 0, run.status
            break
        goal = before + chance.randint(3, 7)
        run.wait_until(lambda run, goal=goal: run.step >= goal)  # type: ignore[misc]  # mypy does not infer a default
        code = host.stop()
        if code == 0:
            break
        assert code == 75, run.status
        stops += 1
        assert run.status["state"] == "preempted"
        assert run.status["checkpointStep"] == run.step, "steps were done that no checkpoint has"
    assert stops >= 8
    assert run.digest == unbroken.digest
    assert run.losses == unbroken.losses
    evaluated = [line["step"] for line in run.lines if "validationLoss" in line]
    assert evaluated == list(range(1, STEPS + 1)), "a validation point is missing, or was measured twice"
    assert summarize(run.folder / "ledger.jsonl").lost_steps == 0


def test_a_hung_rank_is_noticed_and_its_workers_start_again(host: AgentHost, run: Run, unbroken: Run) -> None:
    run.change(guard={"hangTimeoutS": 5.0})
    host.start(run, f"{FAULTS}:slow_steps")
    run.wait_until(lambda run: run.step >= EVERY + 2)
    os.kill(run.workers[1], signal.SIGSTOP)
    assert host.wait() == 0, run.status
    assert run.digest == unbroken.digest
    _, hung, stacks = run.log(rank=0).partition("hung: no step finished within 5 s\n")
    assert hung
    assert "rank 0: no step finished within 5 s; stacks are in" in (run.folder / "logs" / "agent.log").read_text()
    assert "trainer.py" in stacks, "the stacks say where in a step it waited"
    assert summarize(run.folder / "ledger.jsonl").seconds[EventKind.HANG] > 3


@pytest.mark.slow
def test_a_killed_agent_leaves_no_worker_and_the_next_one_goes_on(run: Run, unbroken: Run) -> None:
    command = [sys.executable, "-m", "workloads.pretrain", str(run.job)]
    run.change(steps=10 * STEPS)
    with subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"}) as agent:
        run.wait_until(lambda run: run.step >= EVERY + 2)
        workers = run.workers
        agent.kill()
    run.wait_until(lambda _: not any(_is_running(pid) for pid in workers.values()))
    steps = run.step
    run.change(steps=max(STEPS, steps + EVERY))
    done = subprocess.run(command, cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
    assert done.returncode == 0, run.status
    goodput = summarize(run.folder / "ledger.jsonl")
    assert goodput.restarts == 1
    assert goodput.seconds[EventKind.DOWN] > 0


def test_a_stop_before_there_are_workers_is_a_preemption_too(run: Run) -> None:
    command = [sys.executable, "-m", "workloads.pretrain", str(run.job)]
    with subprocess.Popen(command, cwd=REPOSITORY) as agent:
        run.wait_until(lambda run: run.status["state"] == "starting")
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(60) == 75
    assert run.status["state"] == "preempted"


def test_a_rank_that_is_slow_is_named(host: AgentHost, run: Run) -> None:
    assert host.run(run, f"{FAULTS}:slow_rank") == 0, run.status
    assert "rank 1 is a straggler" in run.log(rank=0)
    assert "rank 0 is a straggler" not in run.log(rank=0)


def test_a_loss_that_is_not_finite_on_one_rank_is_skipped_on_all(host: AgentHost, run: Run) -> None:
    _break_loss(run, first=15, last=17, factor="nan")
    assert host.run(run, f"{FAULTS}:bad_loss") == 0, run.status
    assert [line["step"] for line in run.lines if "skippedLoss" in line] == [14, 14, 14]
    assert sorted(run.losses) == list(range(1, STEPS + 1))


def test_a_loss_spike_is_skipped(host: AgentHost, run: Run) -> None:
    _break_loss(run, first=40, last=40, factor="20")
    assert host.run(run, f"{FAULTS}:bad_loss") == 0, run.status
    assert [line["step"] for line in run.lines if "skippedLoss" in line] == [39]


def test_bad_batches_without_end_rewind_once_and_then_fail(host: AgentHost, run: Run) -> None:
    run.change(guard={"maxSkips": 2})
    _break_loss(run, first=25, last=10_000, factor="nan")
    assert host.run(run, f"{FAULTS}:bad_loss") == 70
    assert run.status["state"] == "failed"
    assert "too many bad batches in a row" in str(run.status["message"])
    assert "went back to step 20" in run.log(rank=0)
    assert run.status["attempt"] == 1, "starting again would not help"


def _break_loss(run: Run, first: int, last: int, factor: str) -> None:
    (run.folder / "fault.json").write_text(json.dumps({"first": first, "last": last, "factor": factor}))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
