"""Runs of the local provider, asked of its process as the engine asks: gone on with, lost, hurt, refused."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from tests.rehearsal.local_provider.machine import eventually, working_in
from tests.rehearsal.local_provider.plugin import Going, Plugin, listening, run_of, started, starts, unfinished

RUN = "TrainingRun"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One provider for the tests that do not end it."""
    with listening() as (address, log, _), started(address, log, tmp_path_factory.mktemp("home")) as plugin:
        yield plugin


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A volume in which nothing works any more after the test."""
    folder = tmp_path / "volume"
    yield folder
    try:
        eventually(lambda: not working_in(folder), "every process ends", timeout_s=30)
    finally:
        for left in working_in(folder):
            left.kill()


@pytest.fixture
def plugin(process: Plugin, volume: Path) -> Plugin:
    process.log.clear()
    process.create("Volume", {"path": str(volume), "onDestroy": "keep"})
    return process


def said(plugin: Plugin, words: str) -> bool:
    return any(words in line for line, ephemeral in plugin.log.lines if not ephemeral)


def folder_of(inputs: dict[str, Any]) -> Path:
    return Path(inputs["runFolder"])


def begun(plugin: Plugin, inputs: dict[str, Any], step: int = 12) -> Going:
    """A run that has reached that step and goes on."""
    going, status = Going(plugin, RUN, inputs), folder_of(inputs) / "status.json"
    eventually(lambda: status.exists() and json.loads(status.read_text())["step"] >= step, f"step {step} is reached")
    return going


def test_more_steps_continue_and_fewer_do_nothing(plugin: Plugin, volume: Path) -> None:
    inputs, more, fewer = (run_of(volume, steps=steps) for steps in (40, 60, 20))
    assert plugin.create(RUN, inputs)["step"] == 40
    assert plugin.diff(RUN, inputs, more) == ["job", "step"]
    assert plugin.replacing(RUN, inputs, more) == []
    assert plugin.update(RUN, inputs, more)["step"] == 60
    assert said(plugin, "goes on from step 40 of 60"), plugin.log.lines
    assert plugin.diff(RUN, more, fewer) == ["job"]
    plugin.update(RUN, more, fewer)
    assert said(plugin, "nothing to do"), plugin.log.lines
    assert starts(inputs) == 2
    assert plugin.diff(RUN, fewer, fewer) == []


def test_another_identity_is_another_run_and_the_old_one_stays(plugin: Plugin, volume: Path) -> None:
    first, second = run_of(volume), run_of(volume, identity="b")
    plugin.create(RUN, first)
    assert set(plugin.replacing(RUN, first, second)) == {"identity", "runFolder"}
    plugin.create(RUN, second)
    plugin.delete(RUN, first)
    assert said(plugin, f"ended; its files are the volume's: {first['runFolder']}"), plugin.log.lines
    for inputs in (first, second):
        assert (folder_of(inputs) / "checkpoints" / "step-00000040").is_dir()


def test_a_lost_export_is_made_again(plugin: Plugin, volume: Path) -> None:
    inputs = run_of(volume)
    plugin.create(RUN, inputs)
    weights = folder_of(inputs) / "export" / "step-00000040" / "model.safetensors"
    weights.unlink()
    assert plugin.diff(RUN, inputs, inputs) == ["step"]
    plugin.update(RUN, inputs, inputs)
    assert weights.exists()


def test_a_killed_agent_is_started_again(plugin: Plugin, volume: Path) -> None:
    inputs = run_of(volume, steps=100, stepS=0.02)
    going = begun(plugin, inputs)
    workers = json.loads((folder_of(inputs) / "workers.json").read_text())
    os.kill(workers["agent"], signal.SIGKILL)
    outputs = going.outputs()
    assert (outputs["step"], outputs["restarts"], starts(inputs)) == (100, 1, 2)
    assert any("started again" in line for line in plugin.log.warnings), plugin.log.lines
    worker = workers["workers"][0]["pid"]
    eventually(lambda: not psutil.pid_exists(worker), "the dead agent's worker is gone too", timeout_s=10)


def test_a_killed_supervisor_leaves_nothing_and_the_run_goes_on(plugin: Plugin, volume: Path) -> None:
    inputs = run_of(volume, steps=60, stepS=0.05)
    going = begun(plugin, inputs)
    record = json.loads((folder_of(inputs) / "supervisor.json").read_text())
    os.kill(record["supervisor"]["pid"], signal.SIGKILL)
    assert "lost its supervisor" in unfinished(going.failure()).reasons[0]
    assert not working_in(volume)
    assert plugin.update(RUN, inputs, inputs)["step"] == 60


def test_a_mistake_is_told_and_not_tried_again(plugin: Plugin, volume: Path) -> None:
    message = "training.data.text.files: '/nowhere' matches no file; name files that exist"
    inputs = run_of(volume, refuse=message)
    with pytest.raises(grpc.RpcError) as refused:
        plugin.create(RUN, inputs)
    assert refused.value.details() == message
    assert starts(inputs) == 1
    assert plugin.create(RUN, run_of(volume))["step"] == 40


def test_a_run_that_keeps_failing_says_why_and_can_go_on(plugin: Plugin, volume: Path) -> None:
    inputs = run_of(volume, crash=True) | {"maxAgentRestarts": 1}
    with pytest.raises(grpc.RpcError) as failed:
        plugin.create(RUN, inputs)
    (reason,) = unfinished(failed.value).reasons
    assert "the accelerator caught fire" in reason
    assert str(folder_of(inputs) / "logs" / "agent.log") in reason
    assert starts(inputs) == 2
    assert plugin.update(RUN, inputs, run_of(volume))["step"] == 40


@pytest.mark.parametrize(("crash", "code"), [("for good", 70), ("exhausted", 69)])
def test_a_run_that_gave_up_is_not_started_again(plugin: Plugin, volume: Path, crash: str, code: int) -> None:
    inputs = run_of(volume, crash=crash) | {"maxAgentRestarts": 5}
    with pytest.raises(grpc.RpcError) as failed:
        plugin.create(RUN, inputs)
    assert f"failed with exit code {code} after 0 restarts" in unfinished(failed.value).reasons[0]
    assert starts(inputs) == 1


def test_an_up_right_after_a_killed_engine_waits_for_the_checkpoint(volume: Path, tmp_path: Path) -> None:
    inputs = run_of(volume, steps=100, stepS=0.05)
    with listening() as (address, log, engine), started(address, log, tmp_path) as first:
        first.create("Volume", {"path": str(volume), "onDestroy": "keep"})
        going = begun(first, inputs)
        with listening() as (other, hears, _), started(other, hears, tmp_path) as second:
            engine.stop(None)
            assert second.create(RUN, inputs)["step"] == 100
        going.failure()
    assert starts(inputs) == 2
    assert any("goes on from step" in line for line, _ in hears.lines), hears.lines


def test_a_delete_stops_a_run_whose_provider_was_killed(plugin: Plugin, volume: Path, tmp_path: Path) -> None:
    """Before the run has noticed."""
    inputs = run_of(volume, steps=10_000, stepS=0.05)
    with listening() as (address, log, _), started(address, log, tmp_path) as killed:
        going = begun(killed, inputs)
        killed.process.kill()
        plugin.delete(RUN, inputs)
        assert not working_in(volume)
        going.failure()
