"""The real trainer and the real server under the local provider and the real engine."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import throwaway
from engine.events import Diagnostic
from tests.rehearsal.local_provider.machine import Machine, eventually, free_port, working_in

pytestmark = pytest.mark.slow
MODEL = {"layers": 1, "width": 32, "heads": 2, "kvHeads": 1, "vocabulary": 400, "context": 32}


@pytest.fixture
def machine(pulumi: Path, tmp_path: Path) -> Iterator[Machine]:
    """A stack of one volume, and a text to learn from."""
    text = " ".join(f"the {number}th line of a text that repeats itself," for number in range(4000))
    for index in range(40):
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / f"{index}.txt").write_text(text[index : index + 6000])
    folder = Machine.lay_out(tmp_path / "project")
    with throwaway(folder) as engine:
        assert engine.stack_init("dev").ok
        yield Machine(engine=engine, folder=folder, volume=tmp_path / "volume")
    for process in working_in(tmp_path):
        process.kill()


def training(machine: Machine, steps: int, **changes: Any) -> dict[str, Any]:
    """The run's inputs, with two ranks and everything decided that a plan would decide."""
    spec = {
        "name": "run", "nodes": 1, "minNodes": 1, "ranksPerNode": 2, "steps": steps, "model": MODEL,
        "data": {"text": {"files": str(machine.folder.parent / "texts")}, "validationShare": 0.1},
        "batch": {"sequences": 4, "microSequences": 2}, "precision": "fp32", "parallel": {"sharding": "ddp"},
        "checkpoint": {"everySteps": 10, "keep": 2}, "evaluateEverySteps": 20, "optimizer": {"warmupSteps": 5},
    }  # fmt: skip
    folder = str(machine.volume / "runs" / "a")
    job = {"training": spec | changes, "runFolder": folder, "device": "cpu", "stopS": 60.0}
    program = ["-m", "workloads.pretrain"]
    return {"runFolder": folder, "program": program, "job": job, "identity": "a", "maxAgentRestarts": 1}


def serving(machine: Machine, port: int) -> dict[str, Any]:
    config = {"inference": {"port": port}, "modelFolder": str(machine.volume / "runs" / "a"), "port": port}
    folder = str(machine.volume / "serve" / str(port))
    return {"stateFolder": folder, "program": ["-m", "workloads.serve"], "config": config, "drainS": 20.0}


def test_train_serve_again_and_further(machine: Machine) -> None:
    port = free_port()
    machine.ask(run=training(machine, 20), server=serving(machine, port))
    up = machine.engine.up("dev")
    assert up.ok, up.output
    assert machine.outputs["step"] == 20
    assert machine.outputs["unigram_loss"] > 0
    with urllib.request.urlopen(f"{machine.outputs['url']}/v1/models", timeout=30) as response:  # noqa: S310 (loopback)
        assert json.loads(response.read())["data"]
    assert not machine.engine.up("dev").changed
    refresh = machine.engine.refresh("dev")
    assert refresh.ok
    assert not refresh.changed, refresh.output

    machine.ask(run=training(machine, 30), server=serving(machine, port))
    digest = machine.outputs["digest"]
    more = machine.engine.up("dev")
    assert dict(more.changed) == {"update": 2}, more.output
    assert "a worker was lost" not in more.output
    assert machine.outputs["step"] == 30
    assert machine.outputs["digest"] != digest
    assert machine.engine.destroy("dev").ok
    assert not working_in(machine.volume)


def test_interrupt_then_a_killed_worker_then_done(machine: Machine) -> None:
    machine.ask(run=training(machine, 4000))
    run = machine.engine.start("up", "dev")
    eventually(lambda: machine.status().get("step", 0) >= 12, "step 12 is reached", timeout_s=120)
    run.interrupt()
    result = run.wait()
    assert not result.ok
    reached = machine.engine.export_state("dev").named("run").outputs["step"]
    assert reached >= 12
    assert f"stopped at step {reached} of 4000 with a checkpoint" in result.output
    assert not working_in(machine.volume)

    machine.ask(run=training(machine, reached + 300))
    run = machine.engine.start("up", "dev")
    eventually(lambda: machine.status().get("step", 0) >= reached + 15, "the run goes on", timeout_s=120)
    workers = json.loads((machine.volume / "runs" / "a" / "workers.json").read_text())["workers"]
    os.kill(workers[-1]["pid"], signal.SIGKILL)
    result = run.wait()
    assert result.ok, result.output
    assert machine.outputs["step"] == reached + 300
    said = [event.message for event in result.events if isinstance(event, Diagnostic)]
    assert len([line for line in said if "a worker was lost" in line]) == 1, said


def test_a_missing_corpus_is_one_message(machine: Machine) -> None:
    machine.ask(run=training(machine, 20, data={"text": {"files": "/nowhere/at/all"}}))
    up = machine.engine.up("dev")
    assert not up.ok
    assert any("/nowhere/at/all" in error for error in up.errors), up.output
    assert "Traceback" not in up.output
    assert not working_in(machine.volume)
