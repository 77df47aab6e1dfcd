"""The provider's process by itself: what the engine hears, and what it leaves behind."""

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from engine.provider.values import UNKNOWN_TEXT
from tests.rehearsal.local_provider.machine import eventually, working_in
from tests.rehearsal.local_provider.plugin import (
    Going,
    Plugin,
    listening,
    run_of,
    server_of,
    started,
    starts,
    unfinished,
)


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    with listening() as (address, log, _), started(address, log, tmp_path) as plugin:
        plugin.create("Volume", {"path": str(tmp_path / "volume"), "onDestroy": "keep"})
        yield plugin


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Ends a test's processes with the provider's."""
    yield
    try:
        eventually(lambda: not working_in(tmp_path / "volume"), "every process ends", timeout_s=30)
    finally:
        for process in working_in(tmp_path / "volume"):
            process.kill()


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 (loopback)
        return int(response.status)


def training(plugin: Plugin, inputs: dict[str, Any]) -> Going:
    """A run that has a checkpoint and goes on."""
    going = Going(plugin, "TrainingRun", inputs)
    folder = Path(inputs["runFolder"])
    eventually(lambda: list(folder.glob("checkpoints/step-*")), "the run has a checkpoint")
    return going


def test_progress_is_live_and_some_of_it_stays(plugin: Plugin, tmp_path: Path) -> None:
    plugin.create("TrainingRun", run_of(tmp_path / "volume", stepS=0.05))
    live = [line for line, ephemeral in plugin.log.lines if ephemeral]
    kept = [line for line, ephemeral in plugin.log.lines if not ephemeral]
    assert kept[0] == f"prepares 40 steps in {tmp_path / 'volume' / 'runs' / 'a'}"
    assert kept[-1].startswith("trained to step 40, validation loss ")
    assert 3 <= len([line for line in kept if "% " in line]) <= 5
    assert any("% " in line and line.endswith("5,210 tokens/s") for line in live), live


def test_a_preview_makes_nothing_and_knows_what_it_can(plugin: Plugin, tmp_path: Path) -> None:
    inputs = run_of(tmp_path / "volume")
    planned = plugin.create("TrainingRun", inputs, preview=True)
    assert planned["digest"] == UNKNOWN_TEXT
    assert planned["runFolder"] == inputs["runFolder"]
    assert not (tmp_path / "volume" / "runs").exists()
    unknown = inputs | {"job": UNKNOWN_TEXT}
    assert plugin.check("TrainingRun", unknown) == []
    assert plugin.create("TrainingRun", unknown, preview=True)["step"] == UNKNOWN_TEXT
    assert plugin.create("InferenceServer", server_of(tmp_path / "volume"), preview=True)["pid"] == UNKNOWN_TEXT
    assert not (tmp_path / "volume" / "serve").exists()


def test_a_preview_of_what_is_done_knows_everything(plugin: Plugin, tmp_path: Path) -> None:
    inputs = run_of(tmp_path / "volume")
    done = dict(plugin.create("TrainingRun", inputs))
    fewer = run_of(tmp_path / "volume", steps=20)
    assert (
        plugin.update("TrainingRun", inputs | {"digest": done["digest"]}, fewer, preview=True)["digest"]
        == done["digest"]
    )
    more = run_of(tmp_path / "volume", steps=60)
    assert plugin.update("TrainingRun", inputs, more, preview=True)["digest"] == UNKNOWN_TEXT
    assert plugin.diff("TrainingRun", inputs, inputs) == []


def test_a_run_that_does_not_stop_is_killed_with_its_workers(plugin: Plugin, tmp_path: Path) -> None:
    inputs = run_of(tmp_path / "volume", stubborn=True, steps=10_000)
    inputs["job"]["stopS"] = -9.0  # one second, with the margin
    going = training(plugin, inputs)
    plugin.cancel()
    kept = unfinished(going.failure())
    assert kept.id == "it"
    assert "did not stop in time and was killed" in kept.reasons[0]
    assert kept.properties["runFolder"] == inputs["runFolder"]
    assert not working_in(tmp_path / "volume")


def test_two_providers_never_train_in_one_folder(tmp_path: Path) -> None:
    inputs = run_of(tmp_path / "volume", steps=10_000)
    with listening() as (address, log, _), started(address, log, tmp_path) as first:
        first.create("Volume", {"path": str(tmp_path / "volume"), "onDestroy": "keep"})
        going = training(first, inputs)
        with started(address, log, tmp_path) as second, pytest.raises(grpc.RpcError) as refused:
            second.create("TrainingRun", inputs)
        assert f"process {first.process.pid} is training this run" in str(refused.value.details())
        assert starts(inputs) == 1
        first.cancel()
        assert "stopped at step" in unfinished(going.failure()).reasons[0]


def test_a_second_supervisor_does_not_start(plugin: Plugin, tmp_path: Path) -> None:
    """Even when somebody removes the record of the first."""
    inputs = run_of(tmp_path / "volume", steps=10_000)
    going = training(plugin, inputs)
    folder = Path(inputs["runFolder"])
    (folder / "supervisor.json").unlink()
    first = [process for process in working_in(folder) if "supervise" in process.cmdline()]
    assert len(first) == 1
    with listening() as (address, log, _), started(address, log, tmp_path) as other, pytest.raises(grpc.RpcError):
        other.create("TrainingRun", inputs)
    assert first[0].is_running()
    plugin.cancel()
    going.failure()


def test_a_provider_ends_when_its_engine_does_not_listen_any_more(tmp_path: Path) -> None:
    with listening() as (address, log, engine), started(address, log, tmp_path) as plugin:
        plugin.create("Volume", {"path": str(tmp_path / "volume"), "onDestroy": "keep"})
        going = training(plugin, run_of(tmp_path / "volume", steps=10_000))
        engine.stop(None).wait()
        assert plugin.process.wait(30) == 0
        going.failure()
    eventually(lambda: not working_in(tmp_path / "volume"), "the run stops by itself", timeout_s=30)
    record = json.loads((tmp_path / "volume" / "runs" / "a" / "supervisor.json").read_text())
    assert record["end"] == "unwatched"


def test_a_recorded_pid_of_somebody_else_is_left_alone(plugin: Plugin, tmp_path: Path) -> None:
    """The record of a server of an earlier boot whose pid this test has now."""
    inputs = server_of(tmp_path / "volume")
    folder = Path(inputs["stateFolder"])
    folder.mkdir(parents=True)
    record = {"pid": os.getpid(), "started": "an earlier boot/1", "host": "127.0.0.1", "port": 1, "drainS": 0.0}
    (folder / "server.json").write_text(json.dumps(record))
    serving = plugin.create("InferenceServer", inputs)
    assert psutil.pid_exists(int(serving["pid"]))
    plugin.delete("InferenceServer", inputs)
    assert not working_in(folder)


def test_a_server_drains_before_it_ends(plugin: Plugin, tmp_path: Path) -> None:
    inputs = server_of(tmp_path / "volume")
    url = plugin.create("InferenceServer", inputs)["url"]
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(status_of(f"{url}/slow")))
    thread.start()
    eventually(lambda: any(c.status == "ESTABLISHED" for c in psutil.net_connections("tcp")), "the request runs")
    plugin.delete("InferenceServer", inputs)
    thread.join(30)
    assert answers == [200]


def test_a_defect_is_one_sentence_and_a_file(plugin: Plugin, tmp_path: Path) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        plugin.create("Volume", {"onDestroy": "keep"})
    message = failed.value.details()
    log = tmp_path / ".local" / "state" / "penstock" / "provider-errors.log"
    assert message == f"penstock's provider failed unexpectedly (KeyError: 'path'); report it with {log}"
    assert "Traceback" in log.read_text()
    assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_ctrl_c_at_the_whole_group_stops_the_run_once(plugin: Plugin, tmp_path: Path) -> None:
    going = training(plugin, run_of(tmp_path / "volume", steps=10_000))
    plugin.process.send_signal(signal.SIGINT)
    plugin.cancel()
    assert "stopped at step" in unfinished(going.failure()).reasons[0]
