"""A server whose model is still being trained."""

import signal
import time
from pathlib import Path

import httpx

from tests.workloads.serve.export import SMALL, make_model, write_export
from tests.workloads.serve.host import START_S, Server, launch


def until(server: Server, path: str, status: int, word: str) -> None:
    end = time.monotonic() + START_S
    while True:
        assert server.process.poll() is None, server.log.read_text()
        try:
            answer = httpx.get(f"{server.url}{path}")
        except httpx.TransportError:
            answer = None
        if answer is not None and (answer.status_code, answer.json()["status"]) == (status, word):
            return
        assert time.monotonic() < end, f"{path} never answered {status} {word!r}: {answer and answer.text}"
        time.sleep(0.1)


def test_it_is_alive_and_not_ready_until_the_run_has_exported_a_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with launch(tmp_path, run, wait=True) as server:
        until(server, "/ready", 503, "waiting for a model")
        until(server, "/health", 200, "waiting for a model")
        refused = server.complete(prompt="a", max_tokens=1)
        assert refused.status_code == 503
        assert "waiting for a model" in refused.json()["error"]["message"]
        (run / "export" / ".partial-step-00000007").mkdir(parents=True)
        written = write_export(tmp_path / "written", make_model(SMALL))
        written.rename(run / "export" / "step-00000007")
        until(server, "/ready", 200, "ready")
        assert server.complete(prompt="a", max_tokens=2).status_code == 200


def test_it_leaves_in_order_while_it_waits(tmp_path: Path) -> None:
    with launch(tmp_path, tmp_path / "run", wait=True) as server:
        until(server, "/ready", 503, "waiting for a model")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_without_being_told_to_wait_it_refuses(tmp_path: Path) -> None:
    with launch(tmp_path, tmp_path / "run") as server:
        assert server.wait() == 78
    assert "let the training run finish" in server.log.read_text()
