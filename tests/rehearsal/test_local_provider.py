"""Penstock's own provider under the real engine: a run and a server of this machine.

What the provider does by itself, asked of its process without an engine, is in the files beside this one.
"""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.cli import throwaway
from engine.events import Diagnostic
from engine.process import Result, Run
from tests.rehearsal.local_provider.machine import (
    Machine,
    eventually,
    free_port,
    run_inputs,
    server_inputs,
    working_in,
)

SECRET = "hunter2"  # noqa: S105 (of this test)


@pytest.fixture
def machine(pulumi: Path, tmp_path: Path) -> Iterator[Machine]:
    """A stack of the provider's resources. Nothing of it runs after the test."""
    folder = Machine.lay_out(tmp_path / "project")
    with throwaway(folder) as engine:
        assert engine.stack_init("dev").ok
        machine = Machine(engine=engine, folder=folder, volume=tmp_path / "volume")
        yield machine
    for process in working_in(tmp_path):
        process.kill()


def messages(result: Result, severity: str = "info") -> list[str]:
    return [e.message for e in result.events if isinstance(e, Diagnostic) and e.severity.startswith(severity)]


def begun(machine: Machine, step: int = 12) -> Run:
    """An `up` whose run has reached that step."""
    run = machine.engine.start("up", "dev")
    eventually(lambda: machine.status().get("step", 0) >= step, f"step {step} is reached")
    return run


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (loopback)
        return dict(json.loads(response.read()))


def test_life_of_a_run_and_a_server(machine: Machine) -> None:
    port = free_port()
    secret = machine.engine._run(["config", "set", "--secret", "token", SECRET, "--stack", "dev"])
    assert secret.ok, secret.output
    machine.ask(run=run_inputs(machine.volume), server=server_inputs(machine.volume, port))
    preview = machine.engine.preview("dev")
    assert dict(preview.changes) == {"create": 4}, preview.output
    assert not machine.volume.exists()

    up = machine.engine.up("dev")
    assert dict(up.changed) == {"create": 4}, up.output
    assert machine.outputs["step"] == 40
    assert machine.outputs["digest"]
    first = machine.outputs["pid"]
    assert get(f"http://127.0.0.1:{port}/health")["pid"] == first
    assert machine.volume.stat().st_mode & 0o777 == 0o700
    assert any("loss" in line and "tokens/s" in line for line in messages(up)), messages(up)
    secret_stays_secret(machine)

    again = machine.engine.up("dev")
    assert again.ok
    assert not again.changed, again.output
    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert not refresh.changed, refresh.output
    assert machine.starts() == 1

    os.kill(first, signal.SIGKILL)
    machine.ask(run=run_inputs(machine.volume, identity="b"), server=server_inputs(machine.volume, port))
    other = machine.engine.up("dev")
    assert (other.changed.get("replace"), other.changed.get("update")) == (1, 1), other.output
    assert machine.outputs["run_folder"] == str(machine.volume / "runs" / "b")
    assert get(f"http://127.0.0.1:{port}/health")["pid"] == machine.outputs["pid"] != first

    destroy = machine.engine.destroy("dev")
    assert dict(destroy.changed) == {"delete": 4}, destroy.output
    assert any(f"kept {machine.volume}" in line and f"rm -r {machine.volume}" in line for line in messages(destroy))
    for identity in "ab":
        assert (machine.volume / "runs" / identity / "export").is_dir()
    assert not working_in(machine.volume)


def secret_stays_secret(machine: Machine) -> None:
    """In the state, in every file, and for others than the server itself."""
    assert SECRET not in machine.engine._run(["stack", "export", "--stack", "dev"]).output
    for path in machine.volume.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
    environment = psutil.Process(machine.outputs["pid"]).environ()
    assert environment["TOKEN"] == SECRET
    assert not [name for name in environment if name.startswith("PULUMI_")]


def test_interrupt_stops_with_a_checkpoint_and_up_goes_on(machine: Machine) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=200, stepS=0.05))
    run = begun(machine)
    run.interrupt()
    result = run.wait()
    assert not result.ok
    errors = machine.engine.export_state("dev").named("run").init_errors
    assert len(errors) == 1, result.output
    step = machine.status()["step"]
    assert f"stopped at step {step} of 200 with a checkpoint; `pulumi up` goes on from there" in errors[0]
    assert not working_in(machine.volume)

    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert machine.engine.export_state("dev").named("run").outputs["step"] == step

    machine.ask(run=run_inputs(machine.volume, steps=step + 10))
    up = machine.engine.up("dev")
    assert dict(up.changed) == {"update": 1}, up.output
    assert any(f"goes on from step {step}" in line for line in messages(up)), messages(up)
    assert machine.outputs["step"] == step + 10


@pytest.mark.parametrize("victims", ["engine", "engine and provider"])
def test_killed_engine_leaves_a_checkpoint_and_no_process(machine: Machine, victims: str) -> None:
    machine.ask(run=run_inputs(machine.volume, steps=200, stepS=0.05))
    run = begun(machine)
    working = working_in(machine.volume)
    below = [process for process in psutil.Process(run.pid).children(recursive=True) if process not in working]
    run.kill()
    for process in below if victims == "engine and provider" else ():
        process.kill()
    run.wait()
    eventually(lambda: not working_in(machine.volume), "the run stops by itself", timeout_s=30)
    eventually(lambda: not any(process.is_running() for process in below), "the provider ends", timeout_s=30)
    step = machine.status()["step"]
    assert (machine.volume / "runs" / "a" / "checkpoints" / f"step-{step:08d}").is_dir()
    assert json.loads((machine.volume / "runs" / "a" / "supervisor.json").read_text())["end"] == "unwatched"

    machine.engine.clear_stale_locks("dev")
    machine.ask(run=run_inputs(machine.volume, steps=step + 10))
    up = machine.engine.up("dev")
    assert up.ok, up.output
    assert any(f"goes on from step {step}" in line for line in messages(up)), messages(up)
    assert machine.outputs["step"] == step + 10
