"""Starting and stopping: drains, kills, and the user's mistakes."""

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.workloads.serve.export import make_model, write_export
from tests.workloads.serve.host import LONG, Server, free_port, launch, serve
from workloads.serve.__main__ import main

CLIENTS = 16


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("stop") / "export", make_model(LONG))


class Crowd:
    """Streaming clients, each with what it got: the text of its events and how the stream ended."""

    def __init__(self, server: Server, max_tokens: int) -> None:
        self.ends: list[str] = []
        self._begun = threading.Semaphore(0)
        self._server, self._max_tokens = server, max_tokens
        self._threads = [threading.Thread(target=self._use) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            assert self._begun.acquire(timeout=60)

    def join(self) -> list[str]:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
        return self.ends

    def _use(self) -> None:
        asked = {"model": "serve", "prompt": "Water", "max_tokens": self._max_tokens, "ignore_eos": True}
        got = b""
        try:
            with httpx.stream(
                "POST", f"{self._server.url}/v1/completions", json={**asked, "stream": True}, timeout=60
            ) as response:
                for piece in response.iter_raw():
                    if not got:
                        self._begun.release()
                    got += piece
        except httpx.TransportError:
            self.ends.append("cut")
            return
        events = got.decode().strip().split("\n\n")
        assert events[-1] == "data: [DONE]"
        last = json.loads(events[-2].removeprefix("data: "))
        self.ends.append(last["error"]["code"] if "error" in last else last["choices"][0]["finish_reason"])


def test_sigterm_under_load_lets_everyone_finish(tmp_path: Path, export: Path) -> None:
    with serve(tmp_path, export, drainS=60.0) as server:
        crowd = Crowd(server, max_tokens=400)
        server.signal(signal.SIGTERM)
        ready = httpx.get(f"{server.url}/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
        assert httpx.get(f"{server.url}/health").status_code == 200
        refused = server.complete(prompt="x")
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert crowd.join() == ["length"] * CLIENTS
        assert server.wait() == 0


def test_what_does_not_finish_in_time_is_ended_with_an_error(tmp_path: Path, export: Path) -> None:
    with serve(tmp_path, export, drainS=0.2, cacheTokens=200_000) as server:
        crowd = Crowd(server, max_tokens=8000)
        server.signal(signal.SIGTERM)
        assert crowd.join() == ["unavailable"] * CLIENTS
        assert server.wait() == 0


def test_after_sigkill_under_load_it_serves_again_on_the_same_port(tmp_path: Path, export: Path) -> None:
    with serve(tmp_path, export) as server:
        crowd = Crowd(server, max_tokens=1000)
        server.signal(signal.SIGKILL)
        assert set(crowd.join()) == {"cut"}
        assert server.wait() == -signal.SIGKILL
        with serve(tmp_path, export, port=server.port) as again:
            assert again.complete(prompt="Water", max_tokens=3).status_code == 200
            again.signal(signal.SIGINT)
            assert again.wait() == 0


def test_before_it_is_loaded_it_is_live_but_not_ready(tmp_path: Path, export: Path) -> None:
    """And SIGTERM at that time ends it."""
    with launch(tmp_path, export) as server:
        health = httpx.get(f"{server.url}/health", timeout=60) if _listens(server) else None
        assert health is not None
        assert health.status_code == 200
        state = health.json()["status"]
        if state == "loading":
            assert server.complete(prompt="x").status_code in (503, 200)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_a_port_in_use_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with launch(tmp_path, tmp_path / "no such model", port=port) as server:
            assert server.wait() == 78
            said = server.log.read_text()
    assert f"127.0.0.1:{port}" in said
    assert "inference.port" in said
    assert len(said.splitlines()) == 1


def flip(folder: Path) -> None:
    path = next(folder.glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-10] ^= 4
    path.write_bytes(content)


def test_a_damaged_model_is_one_message_and_78(tmp_path: Path) -> None:
    """test_load.py has every kind of damage."""
    folder = write_export(tmp_path / "export", make_model(LONG))
    flip(folder)
    with launch(tmp_path, folder) as server:
        assert server.wait() == 78
        said = server.log.read_text()
    assert ".safetensors" in said
    assert "Traceback" not in said
    assert "export the model again" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("inference", "named"),
    [
        ({"queueLimit": 0}, "inference.queueLimit"),
        ({"maxSequence": 4}, "inference.maxSequence"),
        ({"drainS": -1}, "inference.drainS"),
        ({"maxSequences": 64, "maxBatchTokens": 32}, "maxBatchTokens"),
        ({"host": "203.0.113.7"}, "inference.host"),
    ],
)
def test_a_wrong_configuration_is_one_message_and_78(
    tmp_path: Path, inference: dict[str, Any], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "serve.json"
    config.write_text(json.dumps({"inference": inference, "modelFolder": str(tmp_path), "port": free_port()}))
    assert main([str(config)]) == 78
    assert named in capsys.readouterr().err


def test_a_mistake_is_told_by_the_process_before_torch_is_imported(tmp_path: Path) -> None:
    config = tmp_path / "serve.json"
    config.write_text(json.dumps({"inference": {"queueLimit": 0}, "modelFolder": str(tmp_path), "port": 8000}))
    command = [sys.executable, "-X", "importtime", "-m", "workloads.serve", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 78
    assert "inference.queueLimit" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.endswith(" torch")]


def test_a_cache_smaller_than_one_text_is_refused(tmp_path: Path, export: Path) -> None:
    with launch(tmp_path, export, cacheTokens=64) as server:
        assert server.wait() == 78
        assert "inference.cacheTokens: 64" in server.log.read_text()


def _listens(server: Server) -> bool:
    while server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", server.port)).close()
        except OSError:
            continue
        return True
    return False
