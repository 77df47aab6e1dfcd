"""Servers of the local provider, asked of its process as the engine asks: lost, moved, refused, left behind."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from tests.rehearsal.local_provider.machine import eventually, free_port, working_in
from tests.rehearsal.local_provider.plugin import Going, Plugin, listening, server_of, started, unfinished

SERVER = "InferenceServer"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One provider for the tests that do not end it."""
    with listening() as (address, log, _), started(address, log, tmp_path_factory.mktemp("home")) as plugin:
        yield plugin


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A folder whose servers end with the test."""
    folder = tmp_path / "volume"
    folder.mkdir()
    yield folder
    for left in working_in(folder):
        left.kill()


@pytest.fixture
def plugin(process: Plugin) -> Plugin:
    process.log.clear()
    return process


def health(port: int) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as response:
        return dict(json.loads(response.read()))


def is_gone(pid: int) -> bool:
    """Also where its parent, the provider, has not looked yet."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_dead_server_is_seen_and_repaired(plugin: Plugin, volume: Path) -> None:
    inputs = server_of(volume)
    first = int(plugin.create(SERVER, inputs)["pid"])
    assert plugin.diff(SERVER, inputs, inputs) == []
    os.kill(first, signal.SIGKILL)
    eventually(lambda: is_gone(first), "the server is gone", timeout_s=10)
    with pytest.raises(grpc.RpcError) as dead:
        plugin.read(SERVER, inputs)
    kept = unfinished(dead.value)
    assert "is not running" in kept.reasons[0]
    assert kept.properties["pid"] == 0
    assert plugin.diff(SERVER, inputs, inputs) == ["pid"]
    second = plugin.update(SERVER, inputs, inputs)
    assert health(inputs["config"]["port"])["pid"] == second["pid"] != first
    assert plugin.diff(SERVER, inputs, inputs) == []


def test_a_new_model_is_served_on_the_same_port(plugin: Plugin, volume: Path) -> None:
    inputs = server_of(volume)
    first = int(plugin.create(SERVER, inputs)["pid"])
    newer = inputs | {"modelDigest": "n"}
    assert plugin.diff(SERVER, inputs, newer) == ["modelDigest"]
    second = plugin.update(SERVER, inputs, newer)
    assert health(inputs["config"]["port"])["pid"] == second["pid"] != first
    assert is_gone(first)


def test_another_port_moves_the_server(plugin: Plugin, volume: Path) -> None:
    inputs = server_of(volume)
    plugin.create(SERVER, inputs)
    moved = server_of(volume) | {"stateFolder": str(volume / "elsewhere")}
    assert plugin.replacing(SERVER, inputs, moved) == []
    plugin.update(SERVER, inputs, moved)
    assert health(moved["config"]["port"])
    assert len(working_in(volume)) == 1


def test_a_port_in_use_names_who_holds_it(plugin: Plugin, volume: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        inputs = server_of(volume)
        inputs["config"] |= {"port": port}
        with pytest.raises(grpc.RpcError) as refused:
            plugin.create(SERVER, inputs)
    assert f"inference.port: {port} on 127.0.0.1 is in use by process {os.getpid()}" in str(refused.value.details())
    assert not working_in(volume)


@pytest.mark.parametrize(
    ("behaviour", "said"), [("refuse", "modelFolder: there is no model"), ("crash", "the weights are upside down")]
)
def test_a_server_that_does_not_start_says_why(plugin: Plugin, volume: Path, behaviour: str, said: str) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        plugin.create(SERVER, server_of(volume, behaviour=behaviour))
    assert said in str(failed.value.details())
    assert not working_in(volume)


def test_a_server_that_does_not_drain_is_killed(plugin: Plugin, volume: Path) -> None:
    inputs = server_of(volume, behaviour="stubborn") | {"drainS": 0.0}
    plugin.create(SERVER, inputs)
    plugin.delete(SERVER, inputs)
    assert any("was killed" in line for line in plugin.log.warnings), plugin.log.lines
    assert not working_in(volume)


@pytest.mark.parametrize("how", ["interrupt", "kill the engine", "kill all"])
def test_no_server_is_left_that_the_engine_does_not_know(
    plugin: Plugin, volume: Path, tmp_path: Path, how: str
) -> None:
    """Stopped while it loads the model."""
    inputs = server_of(volume, loadS=600)
    with listening() as (address, log, engine), started(address, log, tmp_path) as stopped:
        going = Going(stopped, SERVER, inputs)
        eventually((volume / "serve" / "server.json").exists, "the server is started")
        if how == "interrupt":
            stopped.cancel()
        elif how == "kill the engine":
            engine.stop(None)
        else:
            stopped.process.kill()
        going.failure()
        eventually(lambda: not working_in(volume), "the server is ended", timeout_s=30)
    inputs["config"] = inputs["config"] | {"inference": {"host": "127.0.0.1"}, "port": free_port()}
    assert plugin.create(SERVER, inputs)["pid"]
